package agent

import (
	"bytes"
	"context"
	"time"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/wire"
)

// keystoreSecret is a Secret that holds a keystore.
type keystoreSecret struct{ namespace, name string }

const (
	// lockedBacklog bounds the Secrets that wait to be read again. One that does
	// not fit is read again when it changes.
	lockedBacklog = 1024
	// secretTimeout bounds the reading of one Secret.
	secretTimeout = 10 * time.Second
)

// secret reads one Secret and hands it to use; what use gets is wiped afterwards.
func (s *session) secret(namespace, name string, use func(*wire.Object)) error {
	ctx, stop := context.WithTimeout(s.ctx, secretTimeout)
	defer stop()
	raw, err := s.private.Get().AbsPath("api", "v1", "namespaces", namespace, "secrets", name).
		SetHeader("Accept", "application/vnd.kubernetes.protobuf").Do(ctx).Raw()
	if err != nil {
		return err
	}
	defer clear(raw)
	reader := wire.Reader{Wanted: inventory.Wanted, Intern: inventory.Intern}
	use(reader.Secret(wire.Unwrap(raw)))
	return nil
}

// password reads the password of a keystore from another Secret; nil when it is
// not there. That is then a finding of the keystore.
func (s *session) password(namespace string, ref inventory.PasswordRef) []byte {
	var password []byte
	err := s.secret(namespace, ref.Secret, func(o *wire.Object) { password = bytes.Clone(o.Get(ref.Key)) })
	if err != nil {
		s.Log.V(1).Info("Reading the password of a keystore failed", "namespace", namespace, "secret", ref.Secret, "reason", err.Error())
	}
	return password
}

// retryKeystore has a Secret read again whose password became known after it was
// read.
func (s *session) retryKeystore(namespace, secret string) {
	select {
	case s.locked <- keystoreSecret{namespace, secret}:
	default:
	}
}

// retryLocked has all Secrets read again whose keystores no password has opened:
// where a password is found is not watched.
func (s *session) retryLocked() {
	for _, p := range s.inv.AllLocked() {
		s.retryKeystore(p.Namespace, p.Name)
	}
}

// unlock reads such Secrets again.
func (s *session) unlock() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case k := <-s.locked:
			if !s.inv.Locked(k.namespace, k.name) {
				continue
			}
			err := s.secret(k.namespace, k.name, func(o *wire.Object) {
				if object := s.reducer.Secret(o); object != nil {
					s.inv.Replace(object)
				}
			})
			if err != nil {
				s.Log.V(1).Info("Reading a keystore again failed", "namespace", k.namespace, "secret", k.name, "reason", err.Error())
			}
		}
	}
}
