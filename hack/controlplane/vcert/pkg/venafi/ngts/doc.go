// Package ngts names the next-generation service.
package ngts
