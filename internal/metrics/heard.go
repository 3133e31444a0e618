package metrics

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Heard notes when the kube-apiserver last sent something about Pods: a listing, an event,
// or one of the bookmarks that a watch brings about every minute when nothing happens. It
// is safe for concurrent use.
type Heard struct {
	at atomic.Int64 // Unix nanoseconds, 0 if never
}

// NewHeard returns a note that is empty, and registers its gauge with r.
func NewHeard(r prometheus.Registerer) *Heard {
	h := &Heard{}
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "causeway_kubernetes_last_heard_timestamp_seconds",
		Help: "When the kube-apiserver last sent anything about Pods, bookmarks included, in Unix time; 0 if never.",
	}, func() float64 { return seconds(h.at.Load()) }))
	return h
}

// Wrap returns a transport that notes what next receives. It fits rest.Config.Wrap.
func (h *Heard) Wrap(next http.RoundTripper) http.RoundTripper {
	return hearing{next: next, heard: h}
}

func (h *Heard) note() { h.at.Store(time.Now().UnixNano()) }

// hearing is a transport that notes successful answers about Pods, and every piece of them:
// the answer to a watch goes on for as long as the watch does.
type hearing struct {
	next  http.RoundTripper
	heard *Heard
}

// RoundTrip implements [http.RoundTripper].
func (t hearing) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusOK && strings.HasSuffix(req.URL.Path, "/pods") {
		t.heard.note()
		resp.Body = heardBody{ReadCloser: resp.Body, heard: t.heard}
	}
	return resp, err
}

// WrappedRoundTripper lets client-go reach the connections below.
func (t hearing) WrappedRoundTripper() http.RoundTripper { return t.next }

type heardBody struct {
	io.ReadCloser

	heard *Heard
}

// Read implements [io.Reader].
func (b heardBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.heard.note()
	}
	return n, err
}
