package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// point is a measurement at a size.
type point struct{ size, value float64 }

// slope is that of the straight line through the logarithms of the points, by
// least squares: 1 where a value grows in proportion to the size. It is NaN for
// fewer than two sizes.
func slope(points []point) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, p := range points {
		x, y := math.Log(p.size), math.Log(p.value)
		n++
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	spread := n*sxx - sx*sx
	if spread <= 1e-9 {
		return math.NaN()
	}
	return (n*sxy - sx*sy) / spread
}

// statusMiB is a field of /proc/PID/status in MiB (proc_pid_status(5)).
func statusMiB(status io.Reader, field string) (float64, error) {
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) != 3 || words[0] != field+":" {
			continue
		}
		kib, err := strconv.ParseFloat(words[1], 64)
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", field, err)
		}
		return kib / 1024, nil
	}
	return 0, errors.Join(fmt.Errorf("the process status has no %s", field), lines.Err())
}

// footprint is the memory of a process in MiB.
type footprint struct {
	rss, anon, peak float64
}

func footprintOf(pid int) (footprint, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return footprint{}, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	var f footprint
	for field, to := range map[string]*float64{"VmRSS": &f.rss, "RssAnon": &f.anon, "VmHWM": &f.peak} {
		if *to, err = statusMiB(strings.NewReader(string(status)), field); err != nil {
			return footprint{}, err
		}
	}
	return f, nil
}

func collect[T any](of []T, value func(T) float64) []float64 {
	values := make([]float64, len(of))
	for i, v := range of {
		values[i] = value(v)
	}
	return values
}
