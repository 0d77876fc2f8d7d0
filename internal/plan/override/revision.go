package override

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
)

// hashDigits is the length of a revision's hash, in hex digits. It is part of
// object names and label values.
const hashDigits = 10

// Revision returns what a revision keeps of a spec, and its hash: the first 10
// hex digits of the SHA-256 of the data. Kept are the estate and the overrides.
// The rest of a spec says how and where to deliver, and holds for all revisions
// at once. The data is JSON with sorted keys: specs that mean the same to the API
// give the same bytes.
func Revision(spec *v1alpha1.TLSPlatformSpec) (data []byte, hash string, err error) {
	object, err := toMap(estateOf(spec))
	if err != nil {
		return nil, "", err
	}
	data, err = json.Marshal(object)
	if err != nil {
		return nil, "", fmt.Errorf("encoding the revision: %w", clipped(err))
	}
	sum := sha256.Sum256(data)
	return data, hex.EncodeToString(sum[:])[:hashDigits], nil
}

// FromRevision decodes what Revision returned. Fields that this version of the
// API does not have are an error: a newer operator wrote them, and to deliver
// the spec without them would take away what clusters have.
func FromRevision(data []byte) (*v1alpha1.TLSPlatformSpec, error) {
	spec, err := decodeStrictly(data)
	if err != nil {
		return nil, fmt.Errorf("decoding the revision: %w", err)
	}
	return estateOf(spec), nil
}

// estateOf returns a copy of what a spec says about the estate, with the
// overrides.
func estateOf(spec *v1alpha1.TLSPlatformSpec) *v1alpha1.TLSPlatformSpec {
	base := spec.DeepCopy()
	return &v1alpha1.TLSPlatformSpec{
		Overrides:     base.Overrides,
		Components:    base.Components,
		Issuers:       base.Issuers,
		Policy:        base.Policy,
		Trust:         base.Trust,
		Inventory:     base.Inventory,
		Observability: base.Observability,
	}
}
