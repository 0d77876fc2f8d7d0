package agent

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	headerTimeout    = 30 * time.Second
	discoveryTimeout = 30 * time.Second
)

// connect builds the clients. Answers are not compressed: the agent is beside its
// API server, and both have better things to do.
func (a *Agent) connect(config *rest.Config) error {
	base := rest.CopyConfig(config)
	// What is read is bounded by the number of kinds. The API server's own
	// priority and fairness limits the rate.
	base.QPS, base.Burst = -1, 0
	base.DisableCompression = true
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
	// Only errors are decoded here.
	base.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	base.GroupVersion = &metav1.SchemeGroupVersion

	var err error
	if a.client, err = rest.UnversionedRESTClientFor(base); err != nil {
		return fmt.Errorf("building a client for the cluster: %w", err)
	}
	client, stop, err := privateClient(base)
	if err != nil {
		return fmt.Errorf("building a client for Secrets: %w", err)
	}
	a.closePrivate = stop
	if a.private, err = rest.UnversionedRESTClientForConfigAndClient(base, client); err != nil {
		return fmt.Errorf("building a client for Secrets: %w", err)
	}
	short := rest.CopyConfig(config)
	short.Timeout = discoveryTimeout
	if a.discovery, err = discovery.NewDiscoveryClientForConfig(short); err != nil {
		return fmt.Errorf("building a client for discovery: %w", err)
	}
	return nil
}

// privateClient has connections that nothing else uses, so that they can be
// closed together with their buffers: what was received last stays in them. It
// speaks HTTP/1.1, where a connection carries one answer at a time.
func privateClient(config *rest.Config) (client *http.Client, closeIdle func(), err error) {
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the CA of the cluster: %w", err)
	}
	if tlsConfig != nil {
		tlsConfig.NextProtos = []string{"http/1.1"}
	}
	transport := &http.Transport{
		Proxy:                 config.Proxy,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       tlsConfig,
		TLSHandshakeTimeout:   handshakeTimeout,
		ResponseHeaderTimeout: headerTimeout,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   2,
		// Small, so that what is longer goes past this buffer into our own.
		ReadBufferSize:  512,
		IdleConnTimeout: 5 * time.Second,
	}
	if config.Dial != nil {
		transport.DialContext = config.Dial
	}
	wrapped, err := rest.HTTPWrappersForConfig(config, transport)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the credentials of the cluster: %w", err)
	}
	return &http.Client{Transport: wrapped}, transport.CloseIdleConnections, nil
}
