package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeMetadata(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value string
		want  map[string]string
		err   string
	}{
		{value: `{}`},
		{value: `{"a":"1","ü":"\u00e9"}`, want: map[string]string{"a": "1", "ü": "é"}},
		{value: `{"":""}`, want: map[string]string{"": ""}},
		{value: `{"a":1}`, err: `the value of "a" is not a string`},
		{value: `{"a":null}`, err: `the value of "a" is not a string`},
		{value: `{"a":{"b":"c"}}`, err: `the value of "a" is not a string`},
		{value: `{"a":["b"]}`, err: `the value of "a" is not a string`},
		{value: `{"a":"1","a":"2"}`, err: `key "a" occurs twice`},
		{value: `{"a":"1","\u0061":"1"}`, err: `key "a" occurs twice`},
		{value: `{} {}`, err: "something follows the object"},
		{value: `{}x`, err: "something follows the object"},
		{value: `["a"]`, err: "it is not an object"},
		{value: `null`, err: "it is not an object"},
		{value: `"a"`, err: "it is not an object"},
		{value: `{"a":"1"`, err: "it ends too early"},
		{value: `{"a"`, err: "it ends too early"},
		{value: ``, err: "it ends too early"},
		{value: `{"a":"1",}`, err: "invalid character '}' looking for beginning of object key string"},
		{value: `team: search`, err: "invalid character 'e' in literal true (expecting 'r')"},
		{value: `{team:"search"}`, err: "invalid character 't'"},
	} {
		got, err := decodeMetadata(test.value)
		var message string
		if err != nil {
			message = err.Error()
		}
		if message != test.err {
			t.Errorf("%s: error %q, want %q", test.value, message, test.err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.value, diff)
		}
	}
}
