package scenarios

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// AuditEvent is what scenarios read of a line of the API server's audit log.
type AuditEvent struct {
	Stage string `json:"stage"`
	// Received is when the request came in; it is logged when it was answered.
	Received   time.Time `json:"requestReceivedTimestamp"`
	Verb       string    `json:"verb"`
	RequestURI string    `json:"requestURI"`
	UserAgent  string    `json:"userAgent"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// String is the event as a person would tell it.
func (e AuditEvent) String() string {
	return fmt.Sprintf("%s %s %s (%d)", strings.TrimPrefix(e.User.Username, "system:serviceaccount:"), e.Verb, e.RequestURI, e.ResponseStatus.Code)
}

// Write says whether the event is a write of something else than a Lease or an
// event.
func (e AuditEvent) Write() bool {
	switch e.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
	default:
		return false
	}
	switch e.ObjectRef.Resource {
	case "leases", "tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews":
		return false
	}
	return true
}

// Ours says whether the request was made under an identity of the operator.
func (e AuditEvent) Ours() bool {
	return strings.HasPrefix(e.User.Username, "system:serviceaccount:"+SystemNamespace+":")
}

// AuditMark is a moment of the audit log.
type AuditMark struct {
	at     time.Time
	offset int64
}

// MarkAudit returns this moment. Requests that came in before do not count as
// since, although they may be logged after.
func (w *World) MarkAudit() (AuditMark, error) {
	info, err := os.Stat(w.Cluster.AuditLog())
	if err != nil {
		return AuditMark{}, fmt.Errorf("looking at the audit log: %w", err)
	}
	return AuditMark{at: time.Now(), offset: info.Size()}, nil
}

// AuditSince returns the completed requests since a mark that the operator made.
func (w *World) AuditSince(mark AuditMark) ([]AuditEvent, error) {
	f, err := os.Open(w.Cluster.AuditLog())
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(mark.offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("seeking in the audit log: %w", err)
	}
	var list []AuditEvent
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return list, nil // a half-written last line belongs to the next look
		}
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		var e AuditEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("decoding a line of the audit log: %w", err)
		}
		if e.Stage == "ResponseComplete" && e.Ours() && e.Received.After(mark.at) {
			list = append(list, e)
		}
	}
}

// settle is longer than the agent waits with what it has to write.
const settle = 11 * time.Second

// silence waits until what the scenarios before have stirred up has settled. Then
// nothing may be written for that long; it returns the other requests of that
// time.
func (w *World) silence(ctx context.Context, span time.Duration) ([]AuditEvent, error) {
	err := w.eventually(ctx, func() error {
		mark, err := w.MarkAudit()
		if err != nil {
			return err
		}
		return w.quiet(ctx, mark, settle)
	})
	if err != nil {
		return nil, fmt.Errorf("the estate does not settle: %w", err)
	}
	mark, err := w.MarkAudit()
	if err != nil {
		return nil, err
	}
	if err := w.quiet(ctx, mark, span); err != nil {
		return nil, err
	}
	return w.AuditSince(mark)
}
