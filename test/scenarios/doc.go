// Package scenarios is the one list of what the platform is shown to do: the
// demo tells some of them as a story, and the end-to-end suite runs all of
// them. Each acts as people do, through kubectl and the API, on a real control
// plane with the real components.
package scenarios
