package probe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/causeway-io/causeway/internal/probe"
)

func TestProbes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path   string
		ready  error
		status int
		body   string
	}{
		"alive":       {path: "/healthz", ready: errors.New("etcd is away"), status: http.StatusOK, body: "ok"},
		"ready":       {path: "/readyz", status: http.StatusOK, body: "ok"},
		"not ready":   {path: "/readyz", ready: errors.New("etcd is away\nand so on"), status: http.StatusServiceUnavailable, body: "not ready: etcd is away; and so on"},
		"other paths": {path: "/", status: http.StatusNotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := httptest.NewRecorder()
			probe.Handler(func() error { return tt.ready }).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, tt.path, http.NoBody))
			if answer.Code != tt.status || !strings.Contains(answer.Body.String(), tt.body) {
				t.Errorf("GET %s: %d %q, want %d %q", tt.path, answer.Code, answer.Body, tt.status, tt.body)
			}
		})
	}
}
