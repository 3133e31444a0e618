package format_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/causeway-io/causeway/registry"
	"github.com/causeway-io/causeway/registry/format"
)

func TestJSONEncode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prefix   string
		instance registry.Instance
		want     registry.Record
	}{
		"bare": {
			prefix:   "/services",
			instance: registry.Instance{Service: "user", Host: "10.0.0.1", Port: 8080},
			want: registry.Record{
				Key:   "/services/user/10.0.0.1:8080",
				Value: `{"name":"user","host":"10.0.0.1","port":8080,"version":"","weight":1,"metadata":{}}`,
			},
		},
		"everything": {
			prefix: "/services/",
			instance: registry.Instance{
				ID: "uid", Service: "user", Host: "10.0.0.1", Port: 8080, Version: "v1", Weight: 5,
				Metadata: map[string]string{"b": "<2>", "a": "1"}, Scheme: "grpc", Zone: "z1", Region: "r1",
			},
			want: registry.Record{
				Key:   "/services/user/10.0.0.1:8080",
				Value: `{"name":"user","host":"10.0.0.1","port":8080,"version":"v1","weight":5,"metadata":{"a":"1","b":"<2>"},"scheme":"grpc","zone":"z1","region":"r1"}`,
			},
		},
		"IPv6, empty prefix": {
			instance: registry.Instance{Service: "user", Host: "fd00::1", Port: 8080},
			want: registry.Record{
				Key:   "/user/[fd00::1]:8080",
				Value: `{"name":"user","host":"fd00::1","port":8080,"version":"","weight":1,"metadata":{}}`,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := format.JSON(tt.prefix).Encode(tt.instance)
			if err != nil {
				t.Fatalf("Encode: %v", err)
			}
			if diff := cmp.Diff([]registry.Record{tt.want}, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "null", "{}", "[]", `{"name":"a","host":"h"}`, `{"name":"a","host":"h","port":70000}`, `{"name":"a","port":1}`, `{"name":"a","host":"h","port":"1"}`} {
		_, err := format.JSON("/s").Decode(registry.Record{Key: "/s/a/h:1", Value: value})
		if err == nil || !strings.Contains(err.Error(), "/s/a/h:1") {
			t.Errorf("Decode(%s) = %v, want an error that names the key", value, err)
		}
	}
}

// A reader that knows nothing but json decodes what Encode writes, and nothing is lost.
func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	f := format.JSON("/services")
	rapid.Check(t, func(t *rapid.T) {
		want := registry.Instance{
			Service:  rapid.StringMatching(`[a-z][a-z0-9.-]{0,20}[a-z]`).Draw(t, "service"),
			Host:     rapid.SampledFrom([]string{"10.0.0.1", "fd00::1", "host.example"}).Draw(t, "host"),
			Port:     rapid.IntRange(1, 65535).Draw(t, "port"),
			Version:  rapid.String().Draw(t, "version"),
			Weight:   rapid.IntRange(1, registry.MaxWeight).Draw(t, "weight"),
			Metadata: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "metadata"),
			Scheme:   rapid.String().Draw(t, "scheme"),
			Zone:     rapid.String().Draw(t, "zone"),
			Region:   rapid.String().Draw(t, "region"),
		}
		records, err := f.Encode(want)
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		got, err := f.Decode(records[0])
		if err != nil {
			t.Fatalf("Decode: %v", err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("instance (-want +got):\n%s", diff)
		}
	})
}

func FuzzJSONDecode(f *testing.F) {
	f.Add(`{"name":"user","host":"10.0.0.1","port":8080}`)
	f.Add(`{"name":"user","host":"fd00::1","port":8080,"weight":-1,"metadata":{"a":"b"}}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, value string) {
		i, err := format.JSON("").Decode(registry.Record{Key: "k", Value: value})
		if err == nil && (i.Service == "" || i.Host == "" || registry.ValidatePort(i.Port) != nil) {
			t.Errorf("Decode accepted %q as %+v", value, i)
		}
	})
}
