package registry_test

import (
	"strings"
	"testing"

	"github.com/causeway-io/causeway/registry"
)

func TestValidateService(t *testing.T) {
	t.Parallel()
	good := []string{"a", "user", "user.rpc", "User_Service-2", "helloworld.Greeter", strings.Repeat("a", registry.MaxServiceLen)}
	for _, name := range good {
		if err := registry.ValidateService(name); err != nil {
			t.Errorf("ValidateService(%q) = %v, want nil", name, err)
		}
	}
	bad := []string{"", ".", "..", "a..b", "-a", "a-", "a/b", "a b", "a\nb", "a\x00", "ä", "a:b", "a@b", strings.Repeat("a", registry.MaxServiceLen+1)}
	for _, name := range bad {
		if err := registry.ValidateService(name); err == nil {
			t.Errorf("ValidateService(%q) = nil, want an error", name)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for want, i := range map[string]registry.Instance{
		"10.0.0.1:80":  {Host: "10.0.0.1", Port: 80},
		"[fd00::1]:80": {Host: "fd00::1", Port: 80},
		"db.local:80":  {Host: "db.local", Port: 80},
	} {
		if got := i.Address(); got != want {
			t.Errorf("Address() = %q, want %q", got, want)
		}
	}
}

// A name that is accepted never leaves its place in a key.
func FuzzValidateService(f *testing.F) {
	f.Add("user")
	f.Add("../etc")
	f.Add("a/b")
	f.Fuzz(func(t *testing.T, name string) {
		if registry.ValidateService(name) == nil && (strings.ContainsAny(name, "/\\ \t\n\x00:") || strings.Contains(name, "..")) {
			t.Errorf("ValidateService accepted %q", name)
		}
	})
}
