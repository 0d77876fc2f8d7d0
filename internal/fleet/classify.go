package fleet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// maxMessage bounds messages with text from elsewhere, in bytes.
const maxMessage = 1024

// Classify says what an error of a request to a cluster means: a condition
// reason, and a message with what was found and what to do. transport says that
// the cluster as a whole did not answer as an API server should, so that other
// requests would fail the same way. An error that the caller caused by giving up
// has no reason; what an API server refused for reasons of its own has
// ReasonApplyFailed. What failed on the hub, where the credentials are kept, has
// ReasonConnecting: it says nothing about the member.
func Classify(err error) (reason, message string, transport bool) {
	var (
		unreachable *UnreachableError
		credential  *CredentialError
		home        *homeError
	)
	switch {
	case err == nil:
		return "", "", false
	case errors.As(err, &home):
		return v1alpha1.ReasonConnecting, bounded(home.Error()), false
	case errors.As(err, &unreachable):
		return unreachable.Reason, bounded(unreachable.Message), true
	case errors.As(err, &credential):
		return credential.Reason, bounded(credential.Message), false
	case apierrors.IsUnauthorized(err):
		return v1alpha1.ReasonUnauthorized, refusedCredential("the API server"), true
	case apierrors.IsForbidden(err):
		return v1alpha1.ReasonForbidden, bounded(err.Error()), false
	case isStatus(err):
		return v1alpha1.ReasonApplyFailed, bounded(err.Error()), false
	case errors.Is(err, context.Canceled):
		return "", bounded(err.Error()), false
	}
	if reason, message := explain("the API server", err); reason != "" && isTransport(err) {
		return reason, message, true
	}
	return v1alpha1.ReasonApplyFailed, bounded(err.Error()), false
}

func isStatus(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status)
}

// isTransport tells errors of the network from those of other make.
func isTransport(err error) bool {
	var (
		network net.Error
		verify  *tls.CertificateVerificationError
	)
	return errors.As(err, &network) || errors.As(err, &verify) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, http.ErrSchemeMismatch)
}

func refusedCredential(host string) string {
	return host + " refuses the credential (401): it ended, or was withdrawn; put a valid kubeconfig into the Secret that the MemberCluster names"
}

// lateness says what a request waited for when its time was over.
func lateness(host string, a *attempt) (reason, message string) {
	switch {
	case !a.progress.connected.Load():
		return v1alpha1.ReasonUnreachable, fmt.Sprintf(
			"no connection to %s within %s; check the address, routes and firewalls", host, a.limit)
	case !a.progress.secured.Load():
		return v1alpha1.ReasonTimeout, fmt.Sprintf(
			"%s accepts connections and does not complete a TLS handshake within %s; check what listens there", host, a.limit)
	default:
		return v1alpha1.ReasonTimeout, fmt.Sprintf(
			"%s accepts requests and does not answer within %s; check the load of the API server and of its etcd", host, a.limit)
	}
}

// explain says what an error of the transport means. Nothing in the message may
// look to client-go like a failure that is worth a repetition ("connection
// reset by peer" would).
func explain(host string, err error) (reason, message string) {
	if reason, message = explainTrust(host, err); reason != "" {
		return reason, message
	}
	var network net.Error
	var operation *net.OpError
	text := err.Error()
	switch {
	case errors.Is(err, http.ErrSchemeMismatch), strings.Contains(text, "first record does not look like a TLS handshake"),
		strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return v1alpha1.ReasonNotKubernetes, host + " does not speak TLS; check the port in the kubeconfig"
	case strings.Contains(text, "malformed HTTP"):
		return v1alpha1.ReasonNotKubernetes, host + " does not speak HTTP; check the port in the kubeconfig"
	case errors.As(err, &operation) && operation.Op == "dial":
		return v1alpha1.ReasonUnreachable, bounded(fmt.Sprintf("no connection to %s: %v; check the address, routes and firewalls", host, operation))
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return v1alpha1.ReasonTimeout, host + " accepts connections and does not answer in time (" + bounded(text) + ")"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(text, "http2: "),
		strings.HasPrefix(text, "stream error: "):
		return v1alpha1.ReasonUnreachable, host + " ended the connection before it answered; it may be restarting, or something in between cuts connections"
	default:
		return v1alpha1.ReasonUnreachable, bounded(fmt.Sprintf("no answer from %s: %s", host, text))
	}
}

// explainTrust is explain for what goes wrong between certificates.
func explainTrust(host string, err error) (reason, message string) {
	var (
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		text      = err.Error()
	)
	switch {
	case errors.As(err, &hostname):
		return v1alpha1.ReasonUntrusted, bounded(fmt.Sprintf(
			"the certificate of %s is for other names: %v; use one of them as the server, or set tls-server-name in the kubeconfig", host, hostname))
	case errors.As(err, &authority):
		return v1alpha1.ReasonUntrusted, fmt.Sprintf(
			"the certificate of %s is not signed by the CA of the kubeconfig; set certificate-authority-data to the CA of that cluster", host)
	case errors.As(err, &invalid), errors.As(err, &verify):
		return v1alpha1.ReasonUntrusted, bounded(fmt.Sprintf("the certificate of %s is not valid: %v", host, err))
	case strings.Contains(text, "remote error: tls: "):
		_, alert, _ := strings.Cut(text, "remote error: tls: ")
		if strings.Contains(alert, "certificate") {
			return v1alpha1.ReasonUnauthorized, bounded(fmt.Sprintf(
				"%s refuses the client certificate (%s); put a kubeconfig with a valid one into the Secret", host, alert))
		}
		return v1alpha1.ReasonNotKubernetes, bounded(fmt.Sprintf("%s refuses the TLS handshake (%s)", host, alert))
	}
	return "", ""
}

// bounded shortens a text to what a condition should show.
func bounded(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "…"
}
