//go:build !certmanager1_20

package cainjector

import (
	"github.com/spf13/pflag"

	config "github.com/cert-manager/cert-manager/internal/apis/config/cainjector"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
)

func addIgnoreFlag(fs *pflag.FlagSet, c *config.CAInjectorConfiguration) {
	fs.StringSliceVar(&c.IgnoreNamespaces, "ignore-namespaces", c.IgnoreNamespaces,
		"namespaces to take no certificates from")
}

func ignoreNamespaces(o *cainjector.SetupOptions, c *config.CAInjectorConfiguration) {
	o.IgnoreNamespaces = c.IgnoreNamespaces
}
