// Package preview says what the hub would do to one cluster, without doing it.
// It makes the same plan as the hub from the cluster's own facts, asks the API
// server by dry runs of server-side apply what each object would become, and
// compares that with what is there. It writes nothing and prints nothing.
package preview
