package certificate

// readKeystore finds the certificates of a keystore.
func readKeystore(data, password []byte) *contents {
	c := &contents{format: LooksLikeKeystore(data)}
	switch c.format {
	case JKS, JCEKS:
		c.readJKS(data, password)
	case PKCS12:
		c.readPKCS12(data, password)
	case FormatUnknown, PEM, DER:
		if len(data) == 0 {
			c.problem(Empty, "the value is empty")
		} else {
			c.problem(Malformed, "neither PKCS#12 nor JKS nor JCEKS")
		}
		return c
	}
	if c.count == 0 && !c.findings.Has(Unreadable) {
		c.problem(Empty, "the keystore holds no certificate")
	}
	return c
}
