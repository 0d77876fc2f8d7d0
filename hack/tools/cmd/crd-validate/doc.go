// Command crd-validate judges custom resources by the schemas of their
// definitions as an API server would, without one: unknown fields, types,
// defaults, list keys and CEL rules. It judges the definitions themselves too,
// the cost limits of their CEL rules included.
//
// It exists so that a sample that the API server would refuse fails `make
// verify` in seconds, before anybody applies it.
package main
