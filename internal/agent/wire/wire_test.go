package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
)

// encode is what the API server does, by its own serializer.
func encode(t testing.TB, object runtime.Object) []byte {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := protobuf.NewSerializer(scheme, scheme).Encode(object, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func secret(name string) *corev1.Secret {
	yes := true
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID("uid-" + name), ResourceVersion: "42", Generation: 7,
			CreationTimestamp: metav1.NewTime(time.Unix(1_800_000_000, 0)),
			Labels:            map[string]string{"wanted/a": "1", "other": "2"},
			Annotations:       map[string]string{"wanted/b": "x", "kubectl.kubernetes.io/last-applied-configuration": "KEY"},
			OwnerReferences: []metav1.OwnerReference{
				{APIVersion: "v1", Kind: "Pod", Name: "first"},
				{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "db", Controller: &yes},
			},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m", FieldsV1: metav1.NewFieldsV1(`{"f:data":{}}`)}},
		},
		Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{"tls.crt": []byte("CERT " + name), "tls.key": []byte("KEY")},
	}
}

func reader() *Reader {
	return &Reader{
		Wanted: func(key []byte) bool { return bytes.HasPrefix(key, []byte("wanted/")) },
		Intern: func(b []byte) string { return string(b) },
	}
}

func TestAListIsReadItemByItem(t *testing.T) {
	t.Parallel()
	list := &corev1.SecretList{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "SecretList"},
		ListMeta: metav1.ListMeta{ResourceVersion: "99", Continue: "next"},
		Items:    []corev1.Secret{*secret("a"), *secret("b"), {}},
	}
	list.Items[2].Data = map[string][]byte{"blob": bytes.Repeat([]byte("x"), 3*inputSize)}
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"in one piece":      func(r io.Reader) io.Reader { return r },
		"byte by byte":      iotest.OneByteReader,
		"with data and EOF": iotest.DataErrReader,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStream()
			s.Reset(wrap(bytes.NewReader(encode(t, list))))
			var meta ListMeta
			var got []string
			r := reader()
			err := s.List(func(m ListMeta) { meta = m }, func(raw []byte) error {
				if meta.Continue == "" {
					t.Error("an item came before the list's metadata")
				}
				o := r.Secret(raw)
				got = append(got, fmt.Sprintf("%s %s %d", o.Name, o.Get("tls.crt"), len(o.Get("blob"))))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ListMeta{ResourceVersion: "99", Continue: "next"}, meta); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"a CERT a 0", "b CERT b 0", fmt.Sprintf("  %d", 3*inputSize)}, got); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASecretKeepsWhatIsWantedOnly(t *testing.T) {
	t.Parallel()
	raw := Unwrap(encode(t, secret("a")))
	o := reader().Secret(raw)
	if diff := cmp.Diff(map[string]string{"wanted/a": "1"}, o.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"wanted/b": "x"}, o.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&Owner{"apps/v1", "StatefulSet", "db"}, o.Controller); diff != "" {
		t.Errorf("controller (-want +got):\n%s", diff)
	}
	if o.Namespace != "shop" || o.Name != "a" || o.UID != "uid-a" || o.Type != "kubernetes.io/tls" {
		t.Errorf("got %s/%s %s %s", o.Namespace, o.Name, o.UID, o.Type)
	}
	if diff := cmp.Diff(Identity{"shop", "a", "uid-a", "42"}, IdentityOf(raw)); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
}

func TestTheNextObjectHasNothingOfTheLast(t *testing.T) {
	t.Parallel()
	r := reader()
	r.Secret(Unwrap(encode(t, secret("a"))))
	o := r.Secret(Unwrap(encode(t, &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Name: "b"}})))
	if len(o.Labels)+len(o.Annotations)+len(o.Data) != 0 || o.Controller != nil || o.Type != "" || o.UID != "" {
		t.Errorf("an empty Secret has %+v", o)
	}
}

func TestAConfigMapHasItsBinaryData(t *testing.T) {
	t.Parallel()
	o := reader().ConfigMap(Unwrap(encode(t, &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: "roots"},
		Data:       map[string]string{"ca.crt": "PEM"}, BinaryData: map[string][]byte{"ca.der": {0x30}},
	})))
	if string(o.Get("ca.crt")) != "PEM" || !bytes.Equal(o.Get("ca.der"), []byte{0x30}) {
		t.Errorf("got %q", o.Data)
	}
}

// frame is one event of a watch, as the API server sends it.
func frame(t testing.TB, kind string, object []byte) []byte {
	t.Helper()
	event := &metav1.WatchEvent{Type: kind, Object: runtime.RawExtension{Raw: object}}
	raw, err := event.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(raw))), raw...)
}

func TestEventsOfAWatch(t *testing.T) {
	t.Parallel()
	status := &metav1.Status{Status: "Failure", Message: "too old", Reason: metav1.StatusReasonExpired, Code: 410}
	raw, err := status.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	body := append(frame(t, "ADDED", encode(t, secret("a"))), frame(t, "ERROR", raw)...)
	s := NewStream()
	s.Reset(iotest.HalfReader(bytes.NewReader(body)))
	kind, object, err := s.Event()
	if err != nil || kind != Added || IdentityOf(object).Name != "a" {
		t.Fatalf("got %s %+v, %v", kind, IdentityOf(object), err)
	}
	kind, object, err = s.Event()
	if err != nil || kind != Error {
		t.Fatalf("got %s, %v", kind, err)
	}
	if diff := cmp.Diff(Status{Message: "too old", Reason: "Expired", Code: 410}, StatusOf(object)); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if _, _, err = s.Event(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last event: %v, want io.EOF", err)
	}
	for name, b := range map[string][]byte{"input": s.in, "item": s.item[:cap(s.item)]} {
		if bytes.Contains(b, []byte("KEY")) {
			t.Errorf("the buffer %s has a key while the next event is waited for", name)
		}
	}
}

func TestWhatIsNoListIsAnError(t *testing.T) {
	t.Parallel()
	good := encode(t, &corev1.SecretList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "SecretList"}, Items: []corev1.Secret{*secret("a")}})
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"a page of a proxy":        {[]byte("<html>"), "not in the API server's protobuf"},
		"nothing":                  {nil, "envelope"},
		"a body that breaks off":   {good[:len(good)-10], "unexpected EOF"},
		"an item beyond the list":  {append([]byte(magic), 0x12, 0x04, 0x12, 0x7f, 1, 2), "longer than the list"},
		"an object of 4 GiB":       {append([]byte(magic), 0x12, 0xff, 0xff, 0xff, 0xff, 0x1f, 0x12, 0xff, 0xff, 0xff, 0xff, 0x0f), "16 MiB"},
		"a number without an end":  {append([]byte(magic), bytes.Repeat([]byte{0xff}, 12)...), "64 bits"},
		"a wire type of the past":  {append([]byte(magic), 0x0b), "unknown wire type"},
		"a length without content": {append([]byte(magic), 0x12), "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStream()
			s.Reset(bytes.NewReader(c.body))
			err := s.List(func(ListMeta) {}, func([]byte) error { return nil })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestNothingStaysInTheBuffers(t *testing.T) {
	t.Parallel()
	s := NewStream()
	s.Reset(bytes.NewReader(encode(t, &corev1.SecretList{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "SecretList"}, Items: []corev1.Secret{*secret("a"), *secret("b")},
	})))
	if err := s.List(func(ListMeta) {}, func([]byte) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(s.item[:cap(s.item)], []byte("KEY")) {
		t.Error("the buffer of items has a key after the list")
	}
	s.Wipe()
	for name, b := range map[string][]byte{"input": s.in, "item": s.item[:cap(s.item)]} {
		if bytes.ContainsFunc(b, func(r rune) bool { return r != 0 }) {
			t.Errorf("the buffer %s is not empty after Wipe", name)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add(encode(f, &corev1.SecretList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "SecretList"}, Items: []corev1.Secret{*secret("a")}}))
	f.Add([]byte(magic + "\x12\x04\x12\x7f\x01\x02"))
	f.Fuzz(func(_ *testing.T, body []byte) {
		s := NewStream()
		r := reader()
		s.Reset(bytes.NewReader(body))
		_ = s.List(func(ListMeta) {}, func(raw []byte) error {
			r.Secret(raw)
			r.ConfigMap(raw)
			IdentityOf(raw)
			StatusOf(raw)
			return nil
		})
		s.Reset(bytes.NewReader(body))
		_, object, _ := s.Event()
		Unwrap(object)
	})
}
