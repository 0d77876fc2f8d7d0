package tail

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// TestWhatIsAskedFor: selectors and the form of objects are in every request.
func TestWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	const whole = "application/json"
	tests := map[string]struct {
		options     Options
		list, watch string
		query       string
	}{
		"everything": {Options{}, whole, whole, ""},
		"some":       {Options{FieldSelector: "metadata.name=a", LabelSelector: "b"}, whole, whole, "fieldSelector=metadata.name%3Da&labelSelector=b"},
		"no contents": {
			Options{MetadataOnly: true},
			"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "",
		},
		"protobuf": {Options{Protobuf: true}, "application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf;stream=watch", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := tt.options
			o.Resource = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
			client, err := rest.NewRESTClient(&url.URL{Scheme: "https", Host: "example.com"}, "", rest.ClientContentConfig{}, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			o.Client = client
			tail := New(o)
			if diff := cmp.Diff([]string{tt.list, tt.watch}, []string{tail.codec.accept(false), tail.codec.accept(true)}); diff != "" {
				t.Errorf("accepted (-want +got):\n%s", diff)
			}
			if got := tail.request(whole).URL(); got.Path != "/api/v1/secrets" || got.RawQuery != tt.query {
				t.Errorf("asked for %s", got)
			}
		})
	}
}
