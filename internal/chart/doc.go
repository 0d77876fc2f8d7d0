// Package chart turns a chart in an OCI registry into objects: pull, verify,
// check the values, render. It exists so that charts are trusted for what they
// say and for nothing else: the archive's digest is checked before it is
// parsed, sizes are bounded, the rendering sees no cluster, no clock, no random
// numbers, no network and no file system, and the outcome is a sorted list of
// objects that the one apply engine treats like any other part of a plan.
//
// Helm's own chart loader and template engine do the rendering, with these
// differences from what helm install does:
//
//   - Chart hooks are mapped to phases where they matter and otherwise replaced
//     by our own health checks. Before an install, only what a later object
//     needs matters: a CustomResourceDefinition or ServiceAccount that is a
//     pre-install or crd-install hook stays as an ordinary object, which the
//     order of apply puts first. All other hooks (tests, start-up checks,
//     clean-up jobs) are left out; none of the charts that we install needs one.
//   - Whatever the cluster holds already, .Release.IsInstall is true and
//     .Release.Revision is 1, and lookup finds nothing, so that the same request
//     always renders the same objects.
//   - Functions that give another result each time (random strings, the time)
//     end the rendering with an error, and so does the use of a private key or
//     certificate that a template made. A plan that differs from itself would
//     be applied for ever, and a key must not leave the cluster that uses it.
//   - .Release.Service, and with it the label app.kubernetes.io/managed-by, is
//     tls-platform, so that neither people nor our own detection of installs
//     takes the objects for those of a Helm release.
//   - A kubeVersion that excludes the cluster does not end the rendering; the
//     constraint is reported, and the plan says so.
//
// Values are checked against the values.schema.json of the chart and its
// subcharts by a validator that resolves no reference outside of the schema.
//
// A credential is sent only to the registry host that it was given for, and to
// the token service that this host names in its challenge, as the distribution
// specification has it; never to a host that a redirect leads to. Nothing is
// kept between two calls.
package chart
