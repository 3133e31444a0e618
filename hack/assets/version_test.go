package assets

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequiredVersion(t *testing.T) {
	const gomod = `module example.com/pins

go 1.26.0

tool example.com/server/v3

require example.com/single v1.2.3

require (
	example.com/server v0.1.0 // indirect
	example.com/server/v3 v3.7.3 // indirect
)
`
	for module, want := range map[string]string{
		"example.com/single":    "v1.2.3",
		"example.com/server":    "v0.1.0",
		"example.com/server/v3": "v3.7.3",
	} {
		if got, err := requiredVersion(gomod, module); err != nil || got != want {
			t.Errorf("requiredVersion(%s) = %q, %v; want %q", module, got, err, want)
		}
	}
	if got, err := requiredVersion(gomod, "example.com/other"); err == nil {
		t.Errorf("a module that is not required has version %q", got)
	}
}

func TestFolderKey(t *testing.T) {
	base := folderKey("kubernetes", "v1.2.3", "ab", "c")
	if again := folderKey("kubernetes", "v1.2.3", "ab", "c"); again != base {
		t.Errorf("the same contents give %q and %q", base, again)
	}
	for name, other := range map[string]string{
		"version":  folderKey("kubernetes", "v1.2.4", "ab", "c"),
		"content":  folderKey("kubernetes", "v1.2.3", "ab", "d"),
		"boundary": folderKey("kubernetes", "v1.2.3", "a", "bc"),
	} {
		if other == base {
			t.Errorf("another %s gives the same folder %q", name, base)
		}
	}
}

func TestMentionsVersion(t *testing.T) {
	for output, want := range map[string]bool{
		"Kubernetes v1.36.3\n":                        true,
		"etcd Version: 1.36.3\nGit SHA: Not provided": true,
		"Client Version: v1.36.3\nKustomize Version":  true,
		"Kubernetes v1.36.30\n":                       false,
		"Kubernetes v1.36.3-alpha.1\n":                false,
		"Kubernetes v1.35.3\n":                        false,
		"":                                            false,
	} {
		if got := mentionsVersion(output, "v1.36.3"); got != want {
			t.Errorf("mentionsVersion(%q) = %t", output, got)
		}
	}
}

func TestLdflags(t *testing.T) {
	for name, test := range map[string]struct {
		pinned pinned
		want   string
	}{
		"kubernetes": {
			pinned{source: kubernetes(), version: "v1.36.3"},
			"-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3" +
				" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
		},
		"etcd": {pinned{source: etcd(), version: "v3.7.3"}, "-s -w"},
		"kwok": {pinned{source: kwok(), version: "v0.8.0"}, "-s -w -X sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.pinned.ldflags()); diff != "" {
				t.Errorf("ldflags (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEverySourceIsPinned(t *testing.T) {
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(controlPlane(), etcdServer("etcd36"), etcdServer("etcd35")) {
		if _, err := s.pin(root); err != nil {
			t.Error(err)
		}
	}
}
