package cli

// advice explains a finding.
type advice struct {
	// meaning of the finding, and action that ends it; a sentence each.
	meaning, action string
}

// findingAdvice has all findings of the package certificate.
var findingAdvice = map[string]advice{
	"Malformed": {
		"There is no certificate in PEM or DER where there should be one.",
		"Write the certificate into the key again, in PEM with its BEGIN and END lines.",
	},
	"Unparseable": {
		"The bytes are those of a certificate, but it breaks the rules of X.509 so far that Go, and most things in a cluster with it, refuse it.",
		"Have it issued again, and tell the CA that made it.",
	},
	"Empty": {
		"The value should hold a certificate and holds none.",
		"See whether the issuance has failed, with kubectl describe certificate, or whether what fills the object is still running.",
	},
	"TooLarge": {
		"The value is too large, or holds too many certificates, so not all of it was looked at.",
		"Take out what is not needed; a server needs its chain, and a client the CAs that it trusts.",
	},
	"MissingIntermediate": {
		"The chain lacks an intermediate, so clients that do not happen to have it can't verify the server.",
		"Append the CA's intermediate to tls.crt, after the server's certificate.",
	},
	"WrongOrder": {
		"The certificates of the chain are not in the order in which each is certified by the next, which TLS before 1.3 requires.",
		"Put the server's certificate first, and after each certificate the one that signed it.",
	},
	"RootIncluded": {
		"The root is served with the chain, in vain: clients trust it already or not at all.",
		"Take the root out of tls.crt to make handshakes smaller; nothing is broken meanwhile.",
	},
	"ChainNotVerifying": {
		"A signature in the chain does not verify, so clients refuse the chain.",
		"Replace the chain by the one that belongs to the certificate; often the CA was renewed with a new key.",
	},
	"ChainExpiresFirst": {
		"A CA in the chain ends before the certificate does, and takes it along.",
		"Renew the CA, then have the certificate issued again.",
	},
	"TextCleaned": {
		"A name in the certificate had control characters, marks that change the direction of writing, invalid text or excessive length, and is shown without them.",
		"Find out who asked for it: such names are errors, or meant to deceive.",
	},
	"SerialInvalid": {
		"The serial number is zero, negative or longer than 20 bytes, against RFC 5280, and some clients refuse it.",
		"Have it issued again by a CA that numbers its certificates correctly.",
	},
	"DateInvalid": {
		"Validity ends before it starts, or after the year 9999.",
		"Have it issued again with a sound period of validity.",
	},
	"WeakKey": {
		"The key is weak or of a kind that clients do not accept: RSA below 2048 bits, DSA, or an unusual curve.",
		"Have it issued with a new key: ECDSA P-256, or RSA of 2048 bits or more.",
	},
	"WeakSignature": {
		"The certificate is signed with MD5 or SHA-1, which clients refuse.",
		"Have it issued again with SHA-256.",
	},
	"NoNames": {
		"The certificate has no subject alternative name, and clients no longer look at the common name.",
		"Have it issued again with its host names as DNS names.",
	},
	"SelfSigned": {
		"The certificate signs itself and is no CA, so every client has to trust it one by one.",
		"Have it issued by a CA that clients trust; for tests a CA of the cluster will do.",
	},
	"WrongPassword": {
		"The password found for the keystore does not open it, so what it holds was not read.",
		"Correct the password in the Secret that the keystore names, or write the keystore again.",
	},
	"NoPassword": {
		"No password was found for the keystore, so what it holds was not read.",
		"Keep the password in a Secret beside it, as cert-manager's passwordSecretRef does.",
	},
	"UnsupportedKeystore": {
		"The keystore uses an algorithm that the agent can't read.",
		"Write it again in a current form; for PKCS#12 the cert-manager profile is Modern2023.",
	},
	"Duplicate": {
		"The bundle holds a certificate more than once.",
		"Take out the copies; nothing is broken meanwhile.",
	},
	"NotACA": {
		"The bundle of CAs holds a certificate that is no CA, so clients trust that one server's certificate as it is.",
		"Put the CA that signed it into the bundle instead, so that trust survives the renewal.",
	},
	"PrivateKeyExposed": {
		"A private key lies where everybody who may read ConfigMaps or the like can read it.",
		"Take the key for lost: have the certificate issued with a new key, keep that in a Secret, revoke the old certificate, and delete this copy.",
	},
}

// unknownFinding is for agents that are newer than this program.
var unknownFinding = advice{
	"This kubectl-tls does not know the finding; it is older than the agent.",
	"Use the kubectl-tls of the agent's version.",
}

// adviceFor explains a finding, also one that is not known.
func adviceFor(finding string) advice {
	if a, ok := findingAdvice[finding]; ok {
		return a
	}
	return unknownFinding
}
