package wire

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// Object is a Secret or a ConfigMap as it lies in a buffer. Its byte slices are
// part of that buffer; its strings are copies.
type Object struct {
	Namespace, Name, UID string
	// Type of a Secret.
	Type string
	// Labels and Annotations that were asked for.
	Labels, Annotations map[string]string
	// Controller is the owner that manages the object, nil for none.
	Controller *Owner
	// Data in the order of the message.
	Data []Entry
}

// Owner is an owner reference.
type Owner struct{ APIVersion, Kind, Name string }

// Entry is one value of an object.
type Entry struct{ Key, Value []byte }

// Get returns the value of a key, nil when there is none.
func (o *Object) Get(key string) []byte {
	for i := range o.Data {
		if string(o.Data[i].Key) == key {
			return o.Data[i].Value
		}
	}
	return nil
}

// Reader decodes objects into the same memory again and again.
type Reader struct {
	// Wanted says which labels and annotations are copied.
	Wanted func(key []byte) bool
	// Intern returns a canonical copy of a text that repeats.
	Intern func([]byte) string

	object Object
}

// Secret decodes a Secret: metadata = 1, data = 2, type = 3. The result is valid
// until the next call.
func (r *Reader) Secret(raw []byte) *Object { return r.read(raw, 3, 0) }

// ConfigMap decodes a ConfigMap: metadata = 1, data = 2, binaryData = 3.
func (r *Reader) ConfigMap(raw []byte) *Object { return r.read(raw, 0, 3) }

func (r *Reader) read(raw []byte, kind, binary protowire.Number) *Object {
	o := &r.object
	clear(o.Labels)
	clear(o.Annotations)
	*o = Object{Labels: o.Labels, Annotations: o.Annotations, Data: o.Data[:0]}
	Fields(raw, func(num protowire.Number, value []byte) {
		switch {
		case num == 1:
			r.metadata(value)
		case num == 2, binary != 0 && num == binary:
			o.Data = append(o.Data, pair(value))
		case kind != 0 && num == kind:
			o.Type = r.Intern(value)
		}
	})
	return o
}

// metadata reads ObjectMeta: name = 1, namespace = 3, uid = 5, labels = 11,
// annotations = 12, ownerReferences = 13.
func (r *Reader) metadata(raw []byte) {
	o := &r.object
	Fields(raw, func(num protowire.Number, value []byte) {
		switch num {
		case 1:
			o.Name = string(value)
		case 3:
			o.Namespace = r.Intern(value)
		case 5:
			o.UID = string(value)
		case 11:
			o.Labels = r.text(o.Labels, value)
		case 12:
			o.Annotations = r.text(o.Annotations, value)
		case 13:
			if owner, controller := ownerOf(value); controller {
				o.Controller = &owner
			}
		default: // the rest of the metadata is of no interest
		}
	})
}

func (r *Reader) text(into map[string]string, raw []byte) map[string]string {
	e := pair(raw)
	if !r.Wanted(e.Key) {
		return into
	}
	if into == nil {
		into = map[string]string{}
	}
	into[r.Intern(e.Key)] = string(e.Value)
	return into
}

// pair reads an entry of a map: key = 1, value = 2.
func pair(raw []byte) (e Entry) {
	Fields(raw, func(num protowire.Number, value []byte) {
		switch num {
		case 1:
			e.Key = value
		case 2:
			e.Value = value
		default: // there are no others
		}
	})
	return e
}

// ownerOf reads an OwnerReference: kind = 1, name = 3, apiVersion = 5,
// controller = 6.
func ownerOf(raw []byte) (owner Owner, controller bool) {
	for rest := raw; len(rest) > 0; {
		num, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return owner, controller
		}
		rest = rest[n:]
		if num == 6 && kind == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(rest)
			controller = v != 0
		}
		if n = protowire.ConsumeFieldValue(num, kind, rest); n < 0 {
			return owner, controller
		}
		if kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(rest)
			switch num {
			case 1:
				owner.Kind = string(value)
			case 3:
				owner.Name = string(value)
			case 5:
				owner.APIVersion = string(value)
			default: // uid
			}
		}
		rest = rest[n:]
	}
	return owner, controller
}

// Identity is what tells one object from another.
type Identity struct{ Namespace, Name, UID, ResourceVersion string }

// IdentityOf any object: its metadata is always the first field.
func IdentityOf(raw []byte) (id Identity) {
	Fields(raw, func(num protowire.Number, value []byte) {
		if num != 1 {
			return
		}
		Fields(value, func(num protowire.Number, value []byte) {
			switch num {
			case 1:
				id.Name = string(value)
			case 3:
				id.Namespace = string(value)
			case 5:
				id.UID = string(value)
			case 6:
				id.ResourceVersion = string(value)
			default: // the rest of the metadata is of no interest
			}
		})
	})
	return id
}

// Status is an error of the API server as an object of its own.
type Status struct {
	Message, Reason string
	Code            int
}

// StatusOf reads metav1.Status: message = 3, reason = 4, code = 6.
func StatusOf(raw []byte) (s Status) {
	for rest := raw; len(rest) > 0; {
		num, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return s
		}
		rest = rest[n:]
		n = protowire.ConsumeFieldValue(num, kind, rest)
		if n < 0 {
			return s
		}
		switch {
		case num == 6 && kind == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(rest)
			s.Code = int(int32(v))
		case kind == protowire.BytesType && (num == 3 || num == 4):
			v, _ := protowire.ConsumeBytes(rest)
			if num == 3 {
				s.Message = string(v)
			} else {
				s.Reason = string(v)
			}
		}
		rest = rest[n:]
	}
	return s
}
