// Command controlplane is a whole Kubernetes control plane in one binary: etcd,
// kube-apiserver, kube-controller-manager, kube-scheduler and kubectl, each the
// unchanged program of its module, chosen by the name the binary is started
// under.
//
// It exists because the demo and the tests need a real control plane on machines
// that can fetch Go modules but no container images and no release archives.
// The five share nearly all their packages, so one binary costs a fifth of the
// disk and of the linking time.
package main
