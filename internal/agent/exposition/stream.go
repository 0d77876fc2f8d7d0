package exposition

import (
	"io"
	"strconv"

	"github.com/tlsplatform/tls-platform-operator/internal/names"
)

const (
	// bufferSize is the size of a buffer as it is made, and full how much of it
	// is used before it is written out: a shard more fits in.
	bufferSize = 128 << 10
	full       = 64 << 10
	// maxBuffer is the largest buffer that is kept for the next scrape.
	maxBuffer = 512 << 10
)

// stream renders gauges into a buffer, and writes it out when it is told to.
// What is rendered is the same in the text format and in OpenMetrics.
type stream struct {
	out io.Writer
	buf []byte
	// err is the first error of out. Nothing is written after it.
	err error
	// head begins every sample of the family: its name and the label cluster,
	// the same for all.
	head, cluster []byte
}

// reset makes the stream ready for a client.
func (s *stream) reset(out io.Writer, cluster string) {
	s.out, s.err, s.buf = out, nil, s.buf[:0]
	s.cluster = append(s.cluster[:0], '{')
	s.cluster = append(s.cluster, names.MetricLabelCluster+`="`...)
	s.cluster = append(appendEscaped(s.cluster, describe(cluster)), '"')
}

// family begins a family of gauges. The help has no characters that need
// escapes.
func (s *stream) family(name, help string) {
	s.buf = append(s.buf, "# HELP "...)
	s.buf = append(s.buf, name...)
	s.buf = append(s.buf, ' ')
	s.buf = append(s.buf, help...)
	s.buf = append(s.buf, "\n# TYPE "...)
	s.buf = append(s.buf, name...)
	s.buf = append(s.buf, " gauge\n"...)
	s.head = append(append(s.head[:0], name...), s.cluster...)
}

// begin starts a sample; labels follow, and end.
func (s *stream) begin() { s.buf = append(s.buf, s.head...) }

// label adds a label to the sample. A value is fit for a label already; an empty
// one is left out, which means the same.
func (s *stream) label(name, value string) {
	if value == "" {
		return
	}
	b := append(s.buf, ',')
	b = append(b, name...)
	b = append(b, '=', '"')
	s.buf = append(appendEscaped(b, value), '"')
}

// end finishes the sample.
func (s *stream) end(value int64) {
	s.buf = append(s.buf, '}', ' ')
	s.buf = append(strconv.AppendInt(s.buf, value, 10), '\n')
}

// sample adds a sample with labels given as name and value in turn.
func (s *stream) sample(value int64, labels ...string) {
	s.begin()
	for i := 0; i+1 < len(labels); i += 2 {
		s.label(labels[i], labels[i+1])
	}
	s.end(value)
	s.spill()
}

// spill writes the buffer out if it is full. It may wait for the client, so it
// must not be called under a lock.
func (s *stream) spill() {
	if len(s.buf) >= full {
		s.flush()
	}
}

// flush writes the buffer out.
func (s *stream) flush() {
	if s.err == nil && len(s.buf) > 0 {
		_, s.err = s.out.Write(s.buf)
	}
	s.buf = s.buf[:0]
}

// Write lets encoders write into the stream.
func (s *stream) Write(p []byte) (int, error) {
	s.buf = append(s.buf, p...)
	s.spill()
	return len(p), s.err
}
