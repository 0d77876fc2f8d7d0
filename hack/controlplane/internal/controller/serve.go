package controller

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sync/errgroup"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/healthz"
	"github.com/cert-manager/cert-manager/pkg/server"

	"github.com/cert-manager/cert-manager/tlsplatform/internal/component"
)

// serveMetrics listens for the metrics, by TLS if c has a certificate for it, and
// adds the serving to group.
func serveMetrics(ctx context.Context, group *errgroup.Group, c *config.ControllerConfiguration, shared *controller.Context) error {
	if c.MetricsListenAddress == "0" {
		return nil
	}
	certificate := component.CertificateSource(c.MetricsTLSConfig, Name, shared.RESTConfig)
	if certificate != nil {
		group.Go(func() error {
			if err := certificate.Start(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("providing the certificate of the metrics server: %w", err)
			}
			return nil
		})
	}
	listener, err := server.Listen(ctx, "tcp", c.MetricsListenAddress,
		server.WithCertificateSource(certificate),
		server.WithTLSCipherSuites(c.MetricsTLSConfig.CipherSuites),
		server.WithTLSMinVersion(c.MetricsTLSConfig.MinTLSVersion),
	)
	if err != nil {
		return fmt.Errorf("listening for the metrics: %w", err)
	}
	metrics := shared.Metrics.NewServer(listener)
	group.Go(func() error { return component.Serve(ctx, listener, metrics) })
	return nil
}

// serveHealth listens for liveness checks and, if asked for, the profiler, and
// adds the serving of both to group.
func serveHealth(ctx context.Context, group *errgroup.Group, c *config.ControllerConfiguration, alive *healthz.Server) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", c.HealthzListenAddress)
	if err != nil {
		return fmt.Errorf("listening for liveness checks: %w", err)
	}
	group.Go(func() error {
		if err := alive.Start(ctx, listener); err != nil {
			return fmt.Errorf("serving liveness checks: %w", err)
		}
		return nil
	})
	if !c.EnablePprof {
		return nil
	}
	profiler, err := component.Profiler(ctx, c.PprofAddress)
	if err != nil {
		return err
	}
	group.Go(func() error { return profiler(ctx) })
	return nil
}
