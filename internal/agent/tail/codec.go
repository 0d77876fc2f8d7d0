package tail

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/tlsplatform/tls-platform-operator/internal/agent/wire"
)

// codec reads lists and watches in one format.
type codec interface {
	accept(watch bool) string
	list(body io.Reader, meta func(wire.ListMeta), item func([]byte)) error
	begin(body io.Reader)
	event() (wire.EventType, []byte, error)
	version(raw []byte) string
	status(raw []byte) wire.Status
	wipe()
}

type protobufCodec struct{ stream *wire.Stream }

func newProtobuf() *protobufCodec { return &protobufCodec{stream: wire.NewStream()} }

func (c *protobufCodec) accept(watch bool) string {
	if watch {
		return "application/vnd.kubernetes.protobuf;stream=watch"
	}
	return "application/vnd.kubernetes.protobuf"
}

func (c *protobufCodec) list(body io.Reader, meta func(wire.ListMeta), item func([]byte)) error {
	c.stream.Reset(body)
	return c.stream.List(meta, func(raw []byte) error {
		item(raw)
		return nil
	})
}

func (c *protobufCodec) begin(body io.Reader) { c.stream.Reset(body) }

func (c *protobufCodec) event() (wire.EventType, []byte, error) { return c.stream.Event() }

func (c *protobufCodec) version(raw []byte) string { return wire.IdentityOf(raw).ResourceVersion }

func (c *protobufCodec) status(raw []byte) wire.Status { return wire.StatusOf(raw) }

func (c *protobufCodec) wipe() { c.stream.Wipe() }

// jsonCodec is for custom resources, of which there is no protobuf, and for
// metadata. None of them holds keys, so nothing is wiped.
type jsonCodec struct {
	decoder      *json.Decoder
	metadataOnly bool
}

// accept has no fallback for metadata: a server that can't give it alone shall
// refuse, rather than send the contents of Secrets.
func (c *jsonCodec) accept(watch bool) string {
	switch {
	case !c.metadataOnly:
		return "application/json"
	case watch:
		return "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
	default:
		return "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
	}
}

func (c *jsonCodec) wipe() { c.decoder = nil }

func (c *jsonCodec) begin(body io.Reader) {
	c.decoder = json.NewDecoder(body)
}

func (c *jsonCodec) list(body io.Reader, meta func(wire.ListMeta), item func([]byte)) error {
	d := json.NewDecoder(body)
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return fmt.Errorf("reading a list: %w", err)
		}
		switch key {
		case "metadata":
			var m struct {
				ResourceVersion string `json:"resourceVersion"`
				Continue        string `json:"continue"`
			}
			if err := d.Decode(&m); err != nil {
				return fmt.Errorf("reading the metadata of a list: %w", err)
			}
			meta(wire.ListMeta{ResourceVersion: m.ResourceVersion, Continue: m.Continue})
		case "items":
			if err := items(d, item); err != nil {
				return err
			}
		default:
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return fmt.Errorf("reading a list: %w", err)
			}
		}
	}
	return nil
}

// items reads the objects of a list; null stands for none.
func items(d *json.Decoder, item func([]byte)) error {
	open, err := d.Token()
	if err != nil {
		return fmt.Errorf("reading the items of a list: %w", err)
	}
	if open == nil {
		return nil
	}
	if open != json.Delim('[') {
		return fmt.Errorf("reading the items of a list: found %v, expected [", open)
	}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return fmt.Errorf("reading an item of a list: %w", err)
		}
		item(raw)
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("reading the items of a list: %w", err)
	}
	return nil
}

func expect(d *json.Decoder, want json.Token) error {
	got, err := d.Token()
	if err != nil {
		return fmt.Errorf("reading a list: %w", err)
	}
	if got != want {
		return fmt.Errorf("reading a list: found %v, expected %v", got, want)
	}
	return nil
}

func (c *jsonCodec) event() (wire.EventType, []byte, error) {
	var e struct {
		Type   wire.EventType  `json:"type"`
		Object json.RawMessage `json:"object"`
	}
	if err := c.decoder.Decode(&e); err != nil {
		return "", nil, err
	}
	return e.Type, e.Object, nil
}

func (c *jsonCodec) version(raw []byte) string {
	var o struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	// An object without one does not move the watch forward.
	_ = json.Unmarshal(raw, &o)
	return o.Metadata.ResourceVersion
}

func (c *jsonCodec) status(raw []byte) wire.Status {
	var s struct {
		Message string `json:"message"`
		Reason  string `json:"reason"`
		Code    int    `json:"code"`
	}
	_ = json.Unmarshal(raw, &s) // what can't be read is an error without a text
	return wire.Status{Message: s.Message, Reason: s.Reason, Code: s.Code}
}
