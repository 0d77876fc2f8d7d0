// Package cainjector is cert-manager's cainjector program: the flags that the
// upstream chart passes and a controller-runtime manager around cert-manager's
// injectors, which write CA bundles into webhook configurations, API services and
// CRDs.
package cainjector
