//go:build certmanager1_20

package controller

import (
	"github.com/spf13/pflag"
	"k8s.io/component-base/featuregate"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/pkg/controller"
)

func newGates() []featuregate.Feature { return nil }

func gatewayAPI(c *config.ControllerConfiguration) *bool { return &c.EnableGatewayAPI }

func gatewayListenerSet(c *config.ControllerConfiguration) *bool {
	return &c.EnableGatewayAPIListenerSet
}

func addNewFlags(*pflag.FlagSet, *config.ControllerConfiguration) {}

func addNewOptions(*controller.ContextOptions, *config.ControllerConfiguration) {}
