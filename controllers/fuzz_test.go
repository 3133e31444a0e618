package controllers

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/causeway-io/causeway/registry"
)

// What is taken means the same to every other reader of JSON.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":"b"}`, `{"a":"b","a":"c"}`, `{"a":1}`, `{"a":null}`, `{"a":"b"} x`, `{"a":{"b":"c"}}`,
		`[`, `"`, `{"\ud800":"x"}`, "{\"\xff\":\"\"}", ` {"a" : "b" , "c":"\n"} `, `{"a":"b",}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := decodeMetadata(value)
		var reference map[string]string
		refErr := json.Unmarshal([]byte(value), &reference)
		if err == nil && (refErr != nil || !maps.Equal(got, reference)) {
			t.Errorf("%q gives %q, but json.Unmarshal %q, %v", value, got, reference, refErr)
		}
		checkProblem(t, value, parseMetadata)
	})
}

// What is taken is a port that can be dialled, or a name for the declared ports to know.
func FuzzPort(f *testing.F) {
	for _, seed := range []string{"", "0", "1", "65535", "65536", "08080", "-1", "+1", "http", "8080-http", "٣", "99999999999999999999", " 80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var s spec
		if err := parsePort(&s, value); err == nil {
			byNumber := s.port.name == "" && registry.ValidatePort(s.port.number) == nil
			byName := s.port.name == value && value != "" && s.port.number == 0
			if byNumber == byName || s.port.wrong {
				t.Errorf("%q gives %+v", value, s.port)
			}
		}
		checkProblem(t, value, parsePort)
	})
}

// What is taken stays within its own place in a key.
func FuzzService(f *testing.F) {
	for _, seed := range []string{"user", "user.v1", "a/b", "..", "a..b", ".", "-a", "a-", "user=grpc", "\x00", "ü", strings.Repeat("a", 254)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var s spec
		if err := parseService(&s, value); err == nil {
			if s.service != value || value == "" || len(value) > 253 || strings.Contains(value, "..") || strings.ContainsAny(value, "/\\ \x00\n=,") {
				t.Errorf("%q is taken as %q", value, s.service)
			}
		}
		checkProblem(t, value, parseService)
	})
}

func FuzzVersion(f *testing.F) {
	for _, seed := range []string{"", "v1", "1.2.3-rc.1+build", "v\x00", "v\x7f", "\xff", "\u200b", strings.Repeat("v", 129)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var s spec
		if err := parseVersion(&s, value); err == nil {
			if s.version != value || len(value) > 128 || !utf8.ValidString(value) || strings.ContainsAny(value, "\x00\n\r\t\x1b\x7f") {
				t.Errorf("%q is taken as %q", value, s.version)
			}
		}
		checkProblem(t, value, parseVersion)
	})
}

// checkProblem demands that a parser answers deterministically, and that an error is one
// bounded line that can be shown to a person.
func checkProblem(t *testing.T, value string, parse func(*spec, string) error) {
	t.Helper()
	err := parse(&spec{}, value)
	again := parse(&spec{}, value)
	if (err == nil) != (again == nil) {
		t.Fatalf("%q: %v, then %v", value, err, again)
	}
	if err == nil {
		return
	}
	if message := err.Error(); len(message) > 1500 || !utf8.ValidString(message) || strings.ContainsAny(message, "\n\x00") {
		t.Errorf("%q: error is not one short line: %q", value, message)
	}
}
