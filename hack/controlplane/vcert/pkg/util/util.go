package util

// IssuerHint narrows down who may issue.
type IssuerHint string

// IssuerHintAllIssuers narrows nothing down.
const IssuerHintAllIssuers IssuerHint = ""
