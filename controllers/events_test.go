package controllers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/causeway-io/causeway/controllers/podtest"
)

func fixedTime() time.Time { return time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC) }

func listEvents(tb testing.TB, api client.Client) []corev1.Event {
	tb.Helper()
	var events corev1.EventList
	if err := api.List(tb.Context(), &events); err != nil {
		tb.Fatal(err)
	}
	return events.Items
}

func TestWarn(t *testing.T) {
	t.Parallel()
	api := fake.NewClientBuilder().Build()
	if err := NewEvents(api, fixedTime).Warn(t.Context(), user().ResourceVersion("7").Obj(), "Reason", "a message"); err != nil {
		t.Fatal(err)
	}
	want := []corev1.Event{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default"},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "user-1", UID: "user-1-uid", ResourceVersion: "7",
		},
		Type: "Warning", Reason: "Reason", Message: "a message", Count: 1,
		Source: corev1.EventSource{Component: "causeway"}, ReportingController: "causeway",
		FirstTimestamp: metav1.NewTime(fixedTime()), LastTimestamp: metav1.NewTime(fixedTime()),
	}}
	ignored := cmpopts.IgnoreFields(metav1.ObjectMeta{}, "Name", "ResourceVersion")
	if diff := cmp.Diff(want, listEvents(t, api), ignored); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestWarnOnce(t *testing.T) {
	t.Parallel()
	api := fake.NewClientBuilder().Build()
	warn := func(pod *podtest.Builder, reason, message string, want int) {
		t.Helper()
		// A sink a call: replicas and restarts share nothing but the API server.
		if err := NewEvents(api, time.Now).Warn(t.Context(), pod.Obj(), reason, message); err != nil {
			t.Fatal(err)
		}
		if got := len(listEvents(t, api)); got != want {
			t.Errorf("%s %q: %d events, want %d", reason, message, got, want)
		}
	}
	warn(user(), "A", "one", 1)
	warn(user().ResourceVersion("8"), "A", "one", 1)
	warn(user(), "A", "two", 2)
	warn(user(), "B", "two", 3)
	warn(user().UID("other"), "A", "one", 4)
	warn(user(), "A", "two", 4)
}

func TestWarnErrors(t *testing.T) {
	t.Parallel()
	events := corev1.Resource("events")
	terminating := apierrors.NewForbidden(events, "x", errors.New("namespace is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for name, test := range map[string]struct {
		answer error
		retry  bool
	}{
		"there already":           {apierrors.NewAlreadyExists(events, "x"), false},
		"namespace is gone":       {apierrors.NewNotFound(corev1.Resource("namespaces"), "default"), false},
		"namespace is terminated": {terminating, false},
		"no permission":           {apierrors.NewForbidden(events, "x", errors.New("no")), true},
		"away":                    {errors.New("connection refused"), true},
	} {
		err := NewEvents(refusing{test.answer}, time.Now).Warn(t.Context(), user().Obj(), "A", "one")
		if (err != nil) != test.retry || (test.retry && !errors.Is(err, test.answer)) {
			t.Errorf("%s: error %v, want one: %v", name, err, test.retry)
		}
	}
}

// refusing is a Creator that answers with an error.
type refusing struct{ err error }

func (r refusing) Create(context.Context, client.Object, ...client.CreateOption) error { return r.err }

func TestEventBounds(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"user-1", strings.Repeat("a", 253), strings.Repeat("a", 235) + ".-." + strings.Repeat("b", 15)} {
		pod := podtest.New("default", name).Obj()
		event := NewEvents(refusing{}, time.Now).warning(pod, "A", bounded("one"))
		if problems := validation.IsDNS1123Subdomain(event.Name); len(problems) > 0 {
			t.Errorf("event name %q: %v", event.Name, problems)
		}
		if !strings.HasPrefix(event.Name, name[:6]) {
			t.Errorf("event name %q does not start with that of the Pod", event.Name)
		}
	}
	for _, length := range []int{0, 1024, 1025, 5000} {
		message := strings.Repeat("ä", length/2) + strings.Repeat("x", length%2)
		got := bounded(message)
		if len(got) > 1024 || !utf8.ValidString(got) || (length <= 1024 && got != message) {
			t.Errorf("a message of %d bytes becomes one of %d: %q", length, len(got), got)
		}
	}
}
