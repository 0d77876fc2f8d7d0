package controller

import (
	"errors"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/chart"
	"github.com/tlsplatform/tls-platform-operator/internal/desired"
)

type groupKind = schema.GroupKind

// chartReasons translates what stands in the way of a chart into a condition's
// reason.
var chartReasons = map[chart.Kind]string{
	chart.KindUnavailable:    v1alpha1.ReasonChartUnavailable,
	chart.KindUnauthorized:   v1alpha1.ReasonChartUnavailable,
	chart.KindNotFound:       v1alpha1.ReasonChartUnavailable,
	chart.KindDigestMismatch: v1alpha1.ReasonDigestMismatch,
	chart.KindInvalidRequest: v1alpha1.ReasonInvalidSpec,
	chart.KindInvalidValues:  v1alpha1.ReasonInvalidValues,
	chart.KindRenderFailed:   v1alpha1.ReasonRenderFailed,
}

func chartHold(err error) *desired.Hold {
	hold := &desired.Hold{Reason: v1alpha1.ReasonChartUnavailable, Message: err.Error()}
	var failure *chart.Error
	if errors.As(err, &failure) {
		hold.Reason, hold.Terminal = chartReasons[failure.Kind], failure.Terminal()
	}
	return hold
}
