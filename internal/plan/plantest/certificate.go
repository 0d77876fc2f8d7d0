package plantest

// CertificatePEM is a self-signed CA certificate (Example Test Root), whose key
// was thrown away. It is fixed, so that golden files are.
func CertificatePEM() []byte { return []byte(certificate) }

const certificate = `-----BEGIN CERTIFICATE-----
MIIBbDCCARKgAwIBAgICEmcwCgYIKoZIzj0EAwIwHDEaMBgGA1UEAxMRRXhhbXBs
ZSBUZXN0IFJvb3QwIBcNMjYwMTAxMDAwMDAwWhgPMjA1NjAxMDEwMDAwMDBaMBwx
GjAYBgNVBAMTEUV4YW1wbGUgVGVzdCBSb290MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAErW4dUtVFYGbFxDVm3aGqqoEkr3uM0C/FfKi7w4QgeMJAJQ7bOk8f8/1O
YmyQ9Qhw+VXdRrtmfFv6u5aYMOaKR6NCMEAwDgYDVR0PAQH/BAQDAgIEMA8GA1Ud
EwEB/wQFMAMBAf8wHQYDVR0OBBYEFAZ8AyE31+pqso9ywGmbud5RVZW3MAoGCCqG
SM49BAMCA0gAMEUCIHKDfglSlQUBVXlV5699R842JI0uUyV551Llq6OS064eAiEA
qFd9tHpuDfiAZe5OZOx4fGjJfgW9jNW0oEWdsAR3+4I=
-----END CERTIFICATE-----
`
