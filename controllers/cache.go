package controllers

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// CacheOptions makes the cache of a manager hold Pods, trimmed, and nothing else: those
// that selector matches (nil for all), in the given namespaces (none for all).
//
// Readers of the cache get its own objects instead of copies, and must not change them.
func CacheOptions(annotations Annotations, selector labels.Selector, namespaces ...string) cache.Options {
	pods := cache.ByObject{
		Label:                 selector,
		Transform:             annotations.Trim,
		UnsafeDisableDeepCopy: new(true),
	}
	for _, namespace := range namespaces {
		if pods.Namespaces == nil {
			pods.Namespaces = map[string]cache.Config{}
		}
		pods.Namespaces[namespace] = cache.Config{}
	}
	return cache.Options{
		ByObject: map[client.Object]cache.ByObject{&corev1.Pod{}: pods},
		// A read of another kind would start to watch and to keep all of that kind.
		ReaderFailOnMissingInformer: true,
	}
}
