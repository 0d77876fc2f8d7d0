package main

import (
	"fmt"
	"os"
	_ "time/tzdata" // the API server resolves time zones of CronJobs also where the system has no zone files

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics, as the release binaries have
	_ "k8s.io/component-base/metrics/prometheus/version"  // kubernetes_build_info
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"github.com/cert-manager/cert-manager/tlsplatform/internal/multicall"
)

func main() {
	name, args, err := multicall.Resolve(os.Args,
		[]string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	// the programs read the command line themselves, kubectl's plugins among them
	os.Args = args
	switch name {
	case "etcd":
		etcdmain.Main(args) // exits by itself
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err) // prints as kubectl does, and exits
		}
	default:
		os.Exit(cli.Run(server(name)))
	}
}

// server returns the command of one of the three Kubernetes servers. Only the one
// that is asked for is built: building any registers flags and metrics globally.
func server(name string) *cobra.Command {
	switch name {
	case "kube-apiserver":
		return apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		return controllermanager.NewControllerManagerCommand()
	default:
		return scheduler.NewSchedulerCommand()
	}
}
