package build

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// CheckCertificates says what is wrong with a bundle of PEM certificates: it
// must have at least one, and nothing else. The content never gets into the
// error, since it may be a key that was put there by mistake.
func CheckCertificates(bundle []byte) error {
	rest, count := bytes.TrimSpace(bundle), 0
	for len(rest) > 0 {
		block, after := pem.Decode(rest)
		if block == nil {
			return fmt.Errorf("after %d certificates there is text that is not PEM", count)
		}
		count++
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("PEM block %d is of type %q, not CERTIFICATE", count, block.Type)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("PEM block %d is not a certificate: %w", count, err)
		}
		rest = bytes.TrimSpace(after)
	}
	if count == 0 {
		return errors.New("there is no PEM certificate in it")
	}
	return nil
}
