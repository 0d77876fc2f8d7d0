package charts

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	ociregistry "github.com/google/go-containerregistry/pkg/registry"
)

// folder is the path below the registry's host that holds all charts.
const folder = "charts"

// readHeaderTimeout bounds how long a client may take to send a request's
// header.
const readHeaderTimeout = 10 * time.Second

// Registry is an OCI registry on a loopback port, over plain HTTP. What was
// pushed is kept in memory and survives Stop and Start. Its methods may be
// called by several goroutines.
type Registry struct {
	content  http.Handler
	host     string
	port     int // 0 until the first start
	requests atomic.Int64

	mu             sync.Mutex
	server         *http.Server // nil while stopped
	user, password string
}

// Serve starts an empty registry on a free loopback port. Stop it when it is
// no longer needed.
func Serve() (*Registry, error) {
	r := &Registry{
		// The referrers API is on because Helm's client asks for it; without
		// it every pull costs a failed request more.
		content: ociregistry.New(ociregistry.Logger(log.New(io.Discard, "", 0)), ociregistry.WithReferrersSupport(true)),
	}
	if err := r.Start(); err != nil {
		return nil, err
	}
	return r, nil
}

// Host returns the address of the registry as "127.0.0.1:port". It stays the
// same for the registry's life.
func (r *Registry) Host() string { return r.host }

// Repository returns the repository below which all charts lie, in the form
// that Helm and chart references use: "oci://127.0.0.1:port/charts". A chart's
// own reference appends "/NAME".
func (r *Registry) Repository() string { return "oci://" + r.host + "/" + folder }

// Requests returns how many HTTP requests were answered since Serve, refused
// ones and those of Push included.
func (r *Registry) Requests() int64 { return r.requests.Load() }

// SetBasicAuth makes every request need this user and password from now on.
// An empty user lets everybody in again.
func (r *Registry) SetBasicAuth(user, password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.user, r.password = user, password
}

// Stop closes the port and breaks open connections, as a registry that is down
// does. What was pushed is kept. To stop a stopped registry is no error.
func (r *Registry) Stop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server == nil {
		return nil
	}
	err := r.server.Close()
	r.server = nil
	if err != nil {
		return fmt.Errorf("stopping the chart registry on %s: %w", r.host, err)
	}
	return nil
}

// Start serves again on the port of before. It fails when another program has
// taken the port meanwhile. To start a running registry is no error.
func (r *Registry) Start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil {
		return nil
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: r.port})
	if err != nil {
		return fmt.Errorf("opening the chart registry on 127.0.0.1:%d: %w", r.port, err)
	}
	if address, ok := listener.Addr().(*net.TCPAddr); ok && r.port == 0 {
		r.host, r.port = address.String(), address.Port
	}
	server := &http.Server{Handler: http.HandlerFunc(r.serve), ReadHeaderTimeout: readHeaderTimeout}
	r.server = server
	go func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Printf("chart registry on %s: %v", listener.Addr(), err)
		}
	}()
	return nil
}

func (r *Registry) serve(w http.ResponseWriter, req *http.Request) {
	r.requests.Add(1)
	if !r.admits(req) {
		w.Header().Set("WWW-Authenticate", `Basic realm="charts"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"user or password missing or wrong"}]}`, http.StatusUnauthorized)
		return
	}
	r.content.ServeHTTP(w, req)
}

func (r *Registry) admits(req *http.Request) bool {
	user, password := r.credentials()
	if user == "" {
		return true
	}
	gotUser, gotPassword, ok := req.BasicAuth()
	return ok && same(user, gotUser) && same(password, gotPassword)
}

func (r *Registry) credentials() (user, password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.user, r.password
}

func same(want, got string) bool {
	return subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}
