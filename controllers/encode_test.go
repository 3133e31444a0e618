package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-io/causeway/registry"
)

func TestRecords(t *testing.T) {
	t.Parallel()
	p := NewPublications(testAnnotations(t), plain{"z"}, plain{"a"})
	got, err := p.Records(user().IP("fd00::1").Obj())
	if err != nil {
		t.Fatal(err)
	}
	want := []registry.Record{
		{Key: "/a/user/[fd00::1]:8080", Value: `user-1-uid "" 0 "" ""`},
		{Key: "/z/user/[fd00::1]:8080", Value: `user-1-uid "" 0 "" ""`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestRecordsNothing(t *testing.T) {
	t.Parallel()
	if got, err := testPublications(t).Records(user().Obj()); got != nil || err != nil {
		t.Errorf("Records of a Pod without an address: %v, %v", got, err)
	}
}

func TestRecordsOfFormatThatRefuses(t *testing.T) {
	t.Parallel()
	p := testPublications(t)
	pod := user().IP("10.0.0.1").Annotate("version", unspeakable).Obj()
	if got, err := p.Records(pod); got != nil || err == nil {
		t.Errorf("Records: %v, %v", got, err)
	}
	invalid := p.invalid(pod)
	if invalid == nil || invalid.Error() != "format plain: version cannot be expressed" {
		t.Errorf("invalid: %v", invalid)
	}
	if invalid := p.invalid(user().Obj()); invalid != nil {
		t.Errorf("a valid Pod is invalid: %v", invalid)
	}
}
