package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// address is where the parts of a control plane are.
type address struct {
	programs, dir, kubeconfig string
	endpoints                 []string
}

// formats are the ways to print an address, by the value of -o.
func formats() map[string]func(address) string {
	return map[string]func(address) string{"text": text, "env": env}
}

// text tells a reader how to go on.
func text(a address) string {
	endpoints := strings.Join(a.endpoints, ",")
	kubectl := filepath.Join(a.programs, "kubectl")
	etcdctl := filepath.Join(a.programs, "etcdctl")
	return fmt.Sprintf(`The control plane is ready.

  kubeconfig   %s
  etcd         %s
  data, logs   %s

Use it with
  %s --kubeconfig=%s get nodes
  %s --endpoints=%s get --prefix /services/

Ctrl-C stops it.
`, a.kubeconfig, endpoints, a.dir, kubectl, a.kubeconfig, etcdctl, endpoints)
}

// env is for a shell to evaluate.
func env(a address) string {
	endpoints := strings.Join(a.endpoints, ",")
	var b strings.Builder
	for _, v := range [][2]string{
		{"KUBECONFIG", a.kubeconfig},
		{"CAUSEWAY_ETCD_ENDPOINTS", endpoints},
		{"ETCDCTL_ENDPOINTS", endpoints},
		{"CAUSEWAY_ASSETS", a.programs},
	} {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], quote(v[1]))
	}
	return b.String()
}

// quote makes s one word of a POSIX shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
