package controllers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewAnnotations(t *testing.T) {
	t.Parallel()
	for prefix, valid := range map[string]bool{
		DefaultAnnotationPrefix: true, "discovery.example.com": true,
		"": false, "causeway.dev/": false, "Causeway.dev": false, strings.Repeat("a", 254): false,
	} {
		if _, err := NewAnnotations(prefix); (err == nil) != valid {
			t.Errorf("NewAnnotations(%q): %v, want valid: %v", prefix, err, valid)
		}
	}
}

func TestAnnotationPrefix(t *testing.T) {
	t.Parallel()
	a, err := NewAnnotations("example.com")
	if err != nil {
		t.Fatal(err)
	}
	got, problems := a.parse(map[string]string{
		"example.com/service": "user", "causeway.dev/service": "other", "causeway.dev/unknown": "x", "example.community/x": "y",
	})
	if len(problems) > 0 || got.service != "user" {
		t.Errorf("parse: %+v, %q", got, problems)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const known = "; known are service, port, version, weight, metadata and publish-not-ready"
	for name, test := range map[string]struct {
		annotations map[string]string // below the prefix
		want        spec
		problems    []string
	}{
		"everything": {
			annotations: map[string]string{
				"service": "user", "port": "grpc", "version": "v1.2 (blue)", "weight": "65535",
				"metadata": ` {"team":"search","a":""} `, "publish-not-ready": "true",
			},
			want: spec{
				service: "user", port: portRef{name: "grpc"}, version: "v1.2 (blue)", weight: 65535,
				metadata: map[string]string{"team": "search", "a": ""}, publishNotReady: true,
			},
		},
		"least": {annotations: map[string]string{"service": "user"}, want: spec{service: "user"}},
		"neutral values": {
			annotations: map[string]string{"service": "user", "version": "", "metadata": "{}", "publish-not-ready": "false"},
			want:        spec{service: "user"},
		},
		"port by number": {
			annotations: map[string]string{"service": "user", "port": "8080"},
			want:        spec{service: "user", port: portRef{number: 8080}},
		},
		"empty values": {
			annotations: map[string]string{"service": "", "port": "", "weight": "", "metadata": "", "publish-not-ready": ""},
			want:        spec{port: portRef{wrong: true}},
			problems: []string{
				`annotation causeway.dev/service: the service name is empty`,
				`annotation causeway.dev/port: the value is empty; wanted is the name or the number of a container port`,
				`annotation causeway.dev/weight: "" is not a whole number between 1 and 65535`,
				`annotation causeway.dev/metadata: "" is not a JSON object of strings, such as {"team":"search"}: it ends too early`,
				`annotation causeway.dev/publish-not-ready: "" is neither "true" nor "false"`,
			},
		},
		"wrong values": {
			annotations: map[string]string{
				"service": "a/b", "port": "65536", "version": "v1\n", "weight": "0", "publish-not-ready": "True",
			},
			want: spec{port: portRef{wrong: true}},
			problems: []string{
				`annotation causeway.dev/service: service name "a/b" may hold only letters, digits, '.', '-' and '_', and must start and end with a letter or digit`,
				`annotation causeway.dev/port: port "65536" is not between 1 and 65535`,
				`annotation causeway.dev/version: "v1\n" may hold only printable characters`,
				`annotation causeway.dev/weight: weight 0 is not between 1 and 65535`,
				`annotation causeway.dev/publish-not-ready: "True" is neither "true" nor "false"`,
			},
		},
		"too long": {
			annotations: map[string]string{
				"service": "user", "port": strings.Repeat("9", 100), "version": strings.Repeat("v", 129), "weight": strings.Repeat("ä", 100),
			},
			want: spec{service: "user", port: portRef{wrong: true}},
			problems: []string{
				`annotation causeway.dev/port: port "` + strings.Repeat("9", 64) + `"… is not between 1 and 65535`,
				`annotation causeway.dev/version: the version has 129 bytes, at most 128 are allowed`,
				`annotation causeway.dev/weight: "` + strings.Repeat("ä", 32) + `"… is not a whole number between 1 and 65535`,
			},
		},
		"signs and spaces": {
			annotations: map[string]string{"service": " user", "weight": "+5"},
			problems: []string{
				`annotation causeway.dev/service: service name " user" may hold only letters, digits, '.', '-' and '_', and must start and end with a letter or digit`,
				`annotation causeway.dev/weight: "+5" is not a whole number between 1 and 65535`,
			},
		},
		"unknown and not yet known": {
			annotations: map[string]string{"service": "user", "prot": "80", "format": "json"},
			want:        spec{service: "user"},
			problems: []string{
				"annotation causeway.dev/format is not known" + known,
				"annotation causeway.dev/prot is not known" + known,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			annotations := map[string]string{"other.example.com/service": "ignored"}
			for key, value := range test.annotations {
				annotations["causeway.dev/"+key] = value
			}
			got, problems := testAnnotations(t).parse(annotations)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(spec{}, portRef{})); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
