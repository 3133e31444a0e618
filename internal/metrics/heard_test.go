package metrics_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-io/causeway/internal/metrics"
)

// gaugeOf returns the value of the only gauge that is registered.
func gaugeOf(t *testing.T, g prometheus.Gatherer) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d metrics, error %v, want 1", len(families), err)
	}
	return families[0].Metric[0].Gauge.GetValue()
}

// transport answers everything with one answer or error.
type transport struct {
	status int
	body   io.ReadCloser
	err    error
}

func (tr transport) RoundTrip(*http.Request) (*http.Response, error) {
	if tr.err != nil {
		return nil, tr.err
	}
	return &http.Response{StatusCode: tr.status, Body: tr.body}, nil
}

func TestHeardAnswers(t *testing.T) {
	t.Parallel()
	pods := "https://kube/api/v1/pods?watch=true"
	tests := map[string]struct {
		url    string
		answer transport
		want   bool
	}{
		"pods":             {pods, transport{status: http.StatusOK}, true},
		"of one namespace": {"https://kube/k8s/c-1/api/v1/namespaces/pods-1/pods", transport{status: http.StatusOK}, true},
		"refused":          {pods, transport{status: http.StatusForbidden}, false},
		"expired":          {pods, transport{status: http.StatusGone}, false},
		"no answer":        {pods, transport{err: errors.New("connection refused")}, false},
		"another kind":     {"https://kube/api/v1/namespaces/kube-system", transport{status: http.StatusOK}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := prometheus.NewPedanticRegistry()
			heard := metrics.NewHeard(registry)
			if got := gaugeOf(t, registry); got != 0 {
				t.Errorf("heard at %v before anything was sent, want 0", got)
			}
			tt.answer.body = http.NoBody
			resp, err := heard.Wrap(tt.answer).RoundTrip(httptest.NewRequest(http.MethodGet, tt.url, http.NoBody))
			if !errors.Is(err, tt.answer.err) {
				t.Fatalf("error %v, want %v", err, tt.answer.err)
			}
			if err == nil {
				_ = resp.Body.Close()
			}
			if got := gaugeOf(t, registry) != 0; got != tt.want {
				t.Errorf("noted: %v, want %v", got, tt.want)
			}
		})
	}
}

// A watch is one answer that goes on: each piece of it counts, its end does not.
func TestHeardWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		heard := metrics.NewHeard(registry)
		watch := transport{status: http.StatusOK, body: io.NopCloser(strings.NewReader("ab"))}
		resp, err := heard.Wrap(watch).RoundTrip(httptest.NewRequest(http.MethodGet, "/api/v1/pods", http.NoBody))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		started, piece := time.Now(), make([]byte, 1)
		for i, want := range []time.Duration{time.Minute, 2 * time.Minute, 2 * time.Minute} {
			<-time.After(time.Minute)
			_, _ = resp.Body.Read(piece)
			if got := gaugeOf(t, registry) - float64(started.Unix()); got != want.Seconds() {
				t.Errorf("after read %d heard %v s after the start, want %v", i+1, got, want)
			}
		}
	})
}

func TestHeardShowsWhatIsBelow(t *testing.T) {
	t.Parallel()
	below := &http.Transport{}
	wrapped, ok := metrics.NewHeard(prometheus.NewRegistry()).Wrap(below).(interface{ WrappedRoundTripper() http.RoundTripper })
	if !ok || wrapped.WrappedRoundTripper() != below {
		t.Error("client-go cannot reach the transport below, and so not close its connections")
	}
}
