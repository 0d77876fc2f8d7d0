package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	metricNotAfter     = "tlsplatform_certificate_not_after_timestamp_seconds"
	metricUnreferenced = "tlsplatform_certificates_unreferenced"
)

// scrapeClient asks for what it gets, without compression: that is what the
// figures are about.
var scrapeClient = &http.Client{Transport: &http.Transport{DisableCompression: true}}

// scrape is a whole answer of /metrics.
type scrape struct {
	seconds float64
	bytes   int64
	// certificates is the number of loaded Secrets that have a series.
	certificates int
	// unreferenced is the sum over all layers.
	unreferenced int
}

func openMetrics(ctx context.Context, address string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("making a scrape: %w", err)
	}
	request.Header.Set("Accept", "text/plain;version=0.0.4")
	response, err := scrapeClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("scraping: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("scraping: %s", response.Status)
	}
	return response.Body, nil
}

// scrapeOnce reads all of /metrics. The time is that of reading: the text is
// looked at afterwards.
func scrapeOnce(ctx context.Context, address string) (scrape, error) {
	started := time.Now()
	body, err := openMetrics(ctx, address)
	if err != nil {
		return scrape{}, err
	}
	text, err := io.ReadAll(body)
	took := time.Since(started)
	_ = body.Close()
	if err != nil {
		return scrape{}, fmt.Errorf("reading a scrape: %w", err)
	}
	s := countSeries(text)
	s.seconds, s.bytes = took.Seconds(), int64(len(text))
	return s, nil
}

// countSeries counts what shows that an inventory is whole.
func countSeries(text []byte) scrape {
	var s scrape
	secret, namespace := []byte(`kind="Secret"`), []byte(`certificate_namespace="`+benchPrefix)
	for line := range bytes.Lines(text) {
		switch {
		case bytes.HasPrefix(line, []byte(metricNotAfter+"{")):
			if bytes.Contains(line, secret) && bytes.Contains(line, namespace) {
				s.certificates++
			}
		case bytes.HasPrefix(line, []byte(metricUnreferenced+"{")):
			if value, ok := sampleValue(string(line)); ok {
				s.unreferenced += int(value)
			}
		}
	}
	return s
}

// sampleValue is that of a line of the text format without a time.
func sampleValue(line string) (float64, bool) {
	at := strings.LastIndexByte(line, '}')
	value, err := strconv.ParseFloat(strings.TrimSpace(line[at+1:]), 64)
	return value, err == nil
}

// exported reads /metrics until the series of a certificate's end, and returns
// its value.
func exported(ctx context.Context, address, namespace, name string) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, err := openMetrics(ctx, address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = body.Close() }()
	wanted := [][]byte{
		[]byte(`kind="Secret"`), fmt.Appendf(nil, `certificate_namespace=%q`, namespace),
		fmt.Appendf(nil, `certificate_name=%q`, name),
	}
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		line := lines.Bytes()
		if !bytes.HasPrefix(line, []byte(metricNotAfter+"{")) || !containsAll(line, wanted) {
			continue
		}
		if value, ok := sampleValue(string(line)); ok {
			return value, nil
		}
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("reading a scrape: %w", err)
	}
	return 0, fmt.Errorf("there is no series of the Secret %s/%s", namespace, name)
}

func containsAll(line []byte, parts [][]byte) bool {
	for _, part := range parts {
		if !bytes.Contains(line, part) {
			return false
		}
	}
	return true
}
