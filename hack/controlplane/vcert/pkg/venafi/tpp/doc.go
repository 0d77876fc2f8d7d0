// Package tpp names the self-hosted service.
package tpp
