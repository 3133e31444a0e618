// Package probe answers the liveness and readiness probes of Kubernetes, and tells whoever
// asks for /readyz what a process that is not ready waits for.
package probe

import (
	"fmt"
	"net/http"
	"strings"
)

// Handler serves /healthz, which always succeeds, and /readyz, which succeeds when ready
// returns nil and else shows the error. ready may be called by several goroutines at once.
func Handler(ready func() error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, ready()) })
	return mux
}

func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, "not ready: "+strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}
