// Package v1alpha1 is the API of the TLS platform operator: what people
// declare (TLSPlatform, MemberCluster) and what the operator reports back.
//
// It holds types, validation markers and the names of conditions and reasons,
// and no logic, so that clients of the API depend on nothing of the operator.
//
// A field exists here only when it works. Adding a field is safe for those who
// have stored objects; changing a default or removing a field is not, so each
// default is chosen once.
//
// +kubebuilder:object:generate=true
// +groupName=tlsplatform.io
package v1alpha1
