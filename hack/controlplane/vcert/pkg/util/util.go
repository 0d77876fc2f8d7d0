// Package util holds the hint at an issuer that a request carries.
package util

// IssuerHint narrows down who may issue.
type IssuerHint string

// IssuerHintAllIssuers narrows nothing down.
const IssuerHintAllIssuers IssuerHint = ""
