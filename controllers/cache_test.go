package controllers

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
)

func TestCacheOptions(t *testing.T) {
	t.Parallel()
	selector := labels.SelectorFromSet(labels.Set{"app": "user"})
	for _, namespaces := range [][]string{nil, {"a", "b"}} {
		options := CacheOptions(testAnnotations(t), selector, namespaces...)
		if len(options.ByObject) != 1 || !options.ReaderFailOnMissingInformer {
			t.Errorf("more than Pods may be cached: %+v", options)
		}
		for obj, pods := range options.ByObject {
			if _, ok := obj.(*corev1.Pod); !ok || pods.Label.String() != "app=user" {
				t.Errorf("cached: %T with %v", obj, pods.Label)
			}
			if diff := cmp.Diff(namespaces, slices.Sorted(maps.Keys(pods.Namespaces))); diff != "" {
				t.Errorf("namespaces (-want +got):\n%s", diff)
			}
			trimmed, err := pods.Transform(largePod().Obj())
			if err != nil || len(trimmed.(*corev1.Pod).Spec.Containers) != 0 {
				t.Errorf("transform: %v, %v", trimmed, err)
			}
		}
	}
}

func TestRESTMapper(t *testing.T) {
	t.Parallel()
	mapper, err := RESTMapper(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]struct {
		resource string
		scope    meta.RESTScopeName
	}{
		"Pod":       {"pods", meta.RESTScopeNameNamespace},
		"Event":     {"events", meta.RESTScopeNameNamespace},
		"Namespace": {"namespaces", meta.RESTScopeNameRoot},
	} {
		mapping, err := mapper.RESTMapping(corev1.SchemeGroupVersion.WithKind(kind).GroupKind(), "v1")
		if err != nil || mapping.Resource.Resource != want.resource || mapping.Scope.Name() != want.scope {
			t.Errorf("%s: %+v, %v", kind, mapping, err)
		}
	}
}
