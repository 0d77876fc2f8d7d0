// Package charttest serves charts from an OCI registry inside the test process:
// the real ones, from the files of the modules that this project depends on, and
// small ones made for one test. It exists so that every test that needs a chart
// pulls it the way the product does.
package charttest
