package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// MaxObject bounds one object in bytes. etcd takes 1.5 MiB unless it is told
// otherwise.
const MaxObject = 16 << 20

const (
	inputSize = 32 << 10
	// keepItem is how large an item's buffer may stay between objects.
	keepItem = 256 << 10
)

// magic starts every message of the API server.
const magic = "k8s\x00"

// ErrTooLarge says that an object exceeds MaxObject.
var ErrTooLarge = errors.New("an object is larger than 16 MiB")

// Stream reads the body of a response. It is for one goroutine at a time; its
// buffers are used again for the next body.
type Stream struct {
	body io.Reader
	in   []byte
	from int // unread bytes are in[from:to]
	to   int
	item []byte
}

// NewStream returns a Stream without a body.
func NewStream() *Stream { return &Stream{in: make([]byte, inputSize)} }

// Reset wipes the buffers and starts with another body.
func (s *Stream) Reset(body io.Reader) {
	s.Wipe()
	s.body, s.from, s.to = body, 0, 0
}

// Wipe overwrites the buffers.
func (s *Stream) Wipe() {
	clear(s.in)
	clear(s.item[:cap(s.item)])
	if cap(s.item) > keepItem {
		s.item = nil
	}
}

func (s *Stream) fill() error {
	if s.from < s.to {
		return nil
	}
	n, err := s.body.Read(s.in)
	s.from, s.to = 0, n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (s *Stream) byte() (byte, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	b := s.in[s.from]
	s.from++
	return b, nil
}

// full reads n bytes into the item's buffer.
func (s *Stream) full(n uint64) ([]byte, error) {
	if n > MaxObject {
		return nil, ErrTooLarge
	}
	if uint64(cap(s.item)) < n {
		clear(s.item[:cap(s.item)])
		s.item = make([]byte, n, n+n/4)
	}
	s.item = s.item[:n]
	for got := 0; got < len(s.item); {
		if err := s.fill(); err != nil {
			return nil, unexpected(err)
		}
		c := copy(s.item[got:], s.in[s.from:s.to])
		s.from += c
		got += c
	}
	return s.item, nil
}

// discard skips n bytes.
func (s *Stream) discard(n uint64) error {
	for n > 0 {
		if err := s.fill(); err != nil {
			return unexpected(err)
		}
		c := min(n, uint64(s.to-s.from))
		s.from += int(c)
		n -= c
	}
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// varint reads one, and says how many bytes it had. io.EOF means that the body
// ended before it.
func (s *Stream) varint() (value uint64, size uint64, err error) {
	for shift := 0; shift < 64; shift += 7 {
		b, err := s.byte()
		if err != nil {
			if size > 0 {
				err = unexpected(err)
			}
			return 0, size, err
		}
		size++
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value, size, nil
		}
	}
	return 0, size, errors.New("a number is longer than 64 bits")
}

// ListMeta is what a list says of itself.
type ListMeta struct {
	// ResourceVersion of the list.
	ResourceVersion string
	// Continue is the token of the next page, empty on the last.
	Continue string
}

// List reads a list of objects. meta is called once, before the first item;
// item gets the bytes of one object, valid only inside of the call.
func (s *Stream) List(meta func(ListMeta), item func([]byte) error) error {
	for i := range len(magic) {
		b, err := s.byte()
		if err != nil {
			return fmt.Errorf("reading the envelope of a list: %w", unexpected(err))
		}
		if b != magic[i] {
			return errors.New("the list is not in the API server's protobuf format")
		}
	}
	// Unknown: typeMeta = 1, raw = 2.
	for {
		num, kind, length, _, err := s.field()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the envelope of a list: %w", err)
		}
		switch {
		case kind == protowire.BytesType && num == 2:
			if err := s.items(length, meta, item); err != nil {
				return err
			}
		case kind == protowire.BytesType:
			if err := s.discard(length); err != nil {
				return fmt.Errorf("reading the envelope of a list: %w", err)
			}
		}
	}
}

// field reads a tag; of a length-delimited field also the length, of a number
// the number itself. used is how many bytes that took.
func (s *Stream) field() (num protowire.Number, kind protowire.Type, length, used uint64, err error) {
	tag, used, err := s.varint()
	if err != nil {
		return 0, 0, 0, used, err
	}
	num, kind = protowire.DecodeTag(tag)
	switch kind {
	case protowire.BytesType, protowire.VarintType:
		value, more, err := s.varint()
		return num, kind, value, used + more, unexpected(err)
	default:
		return num, kind, 0, used, fmt.Errorf("field %d has the unknown wire type %d", num, kind)
	}
}

// items reads the list's own message: ListMeta = 1, items = 2.
func (s *Stream) items(size uint64, meta func(ListMeta), item func([]byte) error) error {
	for size > 0 {
		num, kind, length, used, err := s.field()
		if err != nil {
			return fmt.Errorf("reading a list: %w", unexpected(err))
		}
		if kind == protowire.BytesType {
			used += length
		}
		if used > size {
			return errors.New("reading a list: an item is longer than the list")
		}
		size -= used
		switch {
		case kind != protowire.BytesType:
		case num > 2:
			if err := s.discard(length); err != nil {
				return fmt.Errorf("reading a list: %w", err)
			}
		default:
			raw, err := s.full(length)
			if err != nil {
				return fmt.Errorf("reading an item of a list: %w", err)
			}
			if num == 1 {
				meta(listMeta(raw))
			} else if err := item(raw); err != nil {
				return err
			}
			clear(raw)
		}
	}
	return nil
}

// listMeta reads ListMeta: resourceVersion = 2, continue = 3.
func listMeta(raw []byte) ListMeta {
	var m ListMeta
	Fields(raw, func(num protowire.Number, value []byte) {
		switch num {
		case 2:
			m.ResourceVersion = string(value)
		case 3:
			m.Continue = string(value)
		default: // selfLink and the count of what remains
		}
	})
	return m
}

// EventType is what happened to an object.
type EventType string

// Events of a watch.
const (
	Added    EventType = "ADDED"
	Modified EventType = "MODIFIED"
	Deleted  EventType = "DELETED"
	Bookmark EventType = "BOOKMARK"
	Error    EventType = "ERROR"
)

// Event reads the next event of a watch. The object's bytes are valid until the
// next call; io.EOF means that the server ended the watch.
func (s *Stream) Event() (EventType, []byte, error) {
	// It may be a long time until the next one: nothing of the last waits with it.
	clear(s.item)
	clear(s.in[:s.from])
	var head [4]byte
	for i := range head {
		b, err := s.byte()
		if err != nil {
			if i > 0 {
				err = unexpected(err)
			}
			return "", nil, err
		}
		head[i] = b
	}
	frame, err := s.full(uint64(binary.BigEndian.Uint32(head[:])))
	if err != nil {
		return "", nil, fmt.Errorf("reading an event: %w", err)
	}
	var kind EventType
	var object []byte
	// WatchEvent: type = 1, object = 2; RawExtension: raw = 1.
	Fields(frame, func(num protowire.Number, value []byte) {
		switch num {
		case 1:
			kind = EventType(value)
		case 2:
			Fields(value, func(num protowire.Number, value []byte) {
				if num == 1 {
					object = Unwrap(value)
				}
			})
		default: // there are no others
		}
	})
	if kind == "" {
		return "", nil, errors.New("reading an event: it has no type")
	}
	return kind, object, nil
}

// Unwrap takes a message out of the API server's envelope.
func Unwrap(raw []byte) []byte {
	if len(raw) < len(magic) || string(raw[:len(magic)]) != magic {
		return raw
	}
	var inner []byte
	Fields(raw[len(magic):], func(num protowire.Number, value []byte) {
		if num == 2 {
			inner = value
		}
	})
	return inner
}

// Fields calls f for every length-delimited field of a message, and stops at the
// first byte that makes no sense. The values share memory with the message.
func Fields(message []byte, f func(num protowire.Number, value []byte)) {
	for len(message) > 0 {
		num, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(num, kind, message); n < 0 {
				return
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return
		}
		f(num, value)
		message = message[n:]
	}
}
