package exposition

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/tlsplatform/tls-platform-operator/api/v1alpha1"
	"github.com/tlsplatform/tls-platform-operator/internal/agent/inventory"
	"github.com/tlsplatform/tls-platform-operator/internal/certificate"
	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

// Views give access to the records of an inventory.
type Views interface {
	// Facts calls f for every record of a shard (0 to inventory.Shards-1), under
	// a lock. A view is valid only inside of f. It need not have referrers, nor
	// more of the verdict about its use than the outcome.
	Facts(shard int, f func(*inventory.View))
}

// Options of the handler. All but Extra are required.
type Options struct {
	// Views of what is exported.
	Views Views
	// Export gives the rules for series of single certificates. What it returns
	// is not changed afterwards.
	Export func() v1alpha1.Export
	// Cluster gives the value of the label cluster.
	Cluster func() string
	// Coverage gives what is read, and what can't be.
	Coverage func() []v1alpha1.Coverage
	// Version of the agent.
	Version string
	// Now is the clock.
	Now func() time.Time
	// Extra are the metrics of the process, served after those of the
	// inventory; nil for none. The families must have other names.
	Extra prometheus.Gatherer
	// Report is told when Extra could not be gathered or encoded. What could be
	// is served all the same.
	Report func(error)
}

// New returns the handler that serves the inventory to Prometheus, in the text
// format or in OpenMetrics, as the client asks. It is safe for concurrent use.
//
// A client that reads slowly keeps one buffer, and no lock. How long it may take
// is up to the server.
func New(options Options) http.Handler {
	return &handler{
		Options: options,
		streams: sync.Pool{New: func() any { return &stream{buf: make([]byte, 0, bufferSize)} }},
		figures: sync.Pool{New: func() any { return newFigures() }},
		gzips: sync.Pool{New: func() any {
			// The level is valid, and nothing else can fail.
			w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
			return w
		}},
	}
}

type handler struct {
	Options

	streams, figures, gzips sync.Pool
	// rules are those that were compiled last.
	rules atomic.Pointer[rules]
}

// rules are compiled rules and what they were made from.
type rules struct {
	export   v1alpha1.Export
	selector *selector
}

// ServeHTTP answers a scrape.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are served here", http.StatusMethodNotAllowed)
		return
	}
	format := negotiate(r.Header)
	header := w.Header()
	header.Set("Content-Type", string(format))
	header.Set("Vary", "Accept, Accept-Encoding")
	header.Set("Cache-Control", "no-store")
	compressed := acceptsGzip(r.Header)
	if compressed {
		header.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodHead {
		return
	}
	if !compressed {
		h.serve(w, format)
		return
	}
	zip := h.gzips.Get().(*gzip.Writer)
	defer h.gzips.Put(zip)
	zip.Reset(w)
	h.serve(zip, format)
	// It fails only when the client is gone, and then nobody needs to know.
	_ = zip.Close()
	zip.Reset(io.Discard)
}

// serve writes everything.
func (h *handler) serve(out io.Writer, format expfmt.Format) {
	s := h.streams.Get().(*stream)
	s.reset(out, h.Cluster())
	f := h.figures.Get().(*figures)
	f.reset(h.Now().Unix(), h.selector())

	h.series(s, f)
	f.write(s)
	writeCoverage(s, h.Coverage())
	s.family(names.MetricInventoryAgentInfo, "The agent of the cluster; always 1.")
	s.sample(1, names.MetricLabelVersion, describe(h.Version))
	h.extra(s, format)
	s.flush()

	f.reset(0, nil)
	h.figures.Put(f)
	s.reset(nil, "")
	if cap(s.buf) <= maxBuffer {
		h.streams.Put(s)
	}
}

// series writes the families of single certificates, and counts all of them.
// All samples of a family have to be together, so the inventory is read twice.
func (h *handler) series(s *stream, f *figures) {
	s.family(names.MetricInventoryNotAfter, "End of the validity of a certificate, in Unix seconds; of a bundle, of the one that ends first.")
	h.each(s, func(v *inventory.View) {
		if c, issuer := f.add(v); c != nil {
			s.notAfter(v, c, issuer)
		}
	})
	s.family(names.MetricInventoryRenewal, "When a certificate will be renewed, in Unix seconds.")
	h.each(s, func(v *inventory.View) {
		// What has no such finding has a certificate: most records are not
		// looked into a second time.
		if v.Renewal == 0 || v.Findings.Has(certificate.Unreadable) && leading(v.Record) == nil {
			return
		}
		if f.selects(f.space(v.Object.Namespace), layerIndex(v.Layer)) {
			s.renewal(v)
		}
	})
}

// each renders the inventory shard by shard, and writes in between, when it is
// not locked.
func (h *handler) each(s *stream, render func(*inventory.View)) {
	for shard := range inventory.Shards {
		if s.err != nil {
			return
		}
		h.Views.Facts(shard, render)
		s.spill()
	}
}

// selector compiles the rules if they changed.
func (h *handler) selector() *selector {
	export := h.Export()
	last := h.rules.Load()
	if last == nil || !reflect.DeepEqual(last.export, export) {
		last = &rules{export: export, selector: newSelector(export)}
		h.rules.Store(last)
	}
	return last.selector
}

// extra writes the metrics of the process, and what ends the format.
func (h *handler) extra(s *stream, format expfmt.Format) {
	encoder := expfmt.NewEncoder(s, format)
	if h.Extra != nil {
		families, err := h.Extra.Gather()
		if err != nil {
			h.Report(fmt.Errorf("gathering the metrics of the process: %w", err))
		}
		for _, family := range families {
			if err := encoder.Encode(family); err != nil && s.err == nil {
				h.Report(fmt.Errorf("encoding the metric %q: %w", family.GetName(), err))
			}
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok {
		// It fails only when the client is gone.
		_ = closer.Close()
	}
}
