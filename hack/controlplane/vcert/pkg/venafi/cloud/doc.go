// Package cloud names the hosted service.
package cloud
