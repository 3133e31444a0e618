package controllers

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/causeway-io/causeway/controllers/podtest"
)

// drawPod draws a Pod as a cluster may hold it: mostly valid, with much that nobody reads.
func drawPod(t *rapid.T) *corev1.Pod {
	name := rapid.SampledFrom([]string{"user-1", "user-2"}).Draw(t, "name")
	b := podtest.New("default", name).
		UID(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "uid")).
		ResourceVersion(rapid.SampledFrom([]string{"1", "2"}).Draw(t, "resourceVersion")).
		Label("app", "user")
	drawAnnotations(t, b)
	drawPorts(t, b)
	drawStatus(t, b)
	pod := b.Obj()
	pod.Annotations = maybeNil(t, pod.Annotations)
	if rapid.IntRange(0, 3).Draw(t, "list of addresses only") == 0 {
		pod.Status.PodIP = ""
	}
	for i := range pod.Status.Conditions {
		pod.Status.Conditions[i].LastTransitionTime = metav1.Unix(rapid.Int64Range(1, 3).Draw(t, "since"), 0)
	}
	pod.Spec.NodeName = "node-1"
	pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", Value: "B"}}
	return pod
}

func maybeNil(t *rapid.T, m map[string]string) map[string]string {
	if len(m) == 0 && rapid.Bool().Draw(t, "nil annotations") {
		return nil
	}
	return m
}

func drawAnnotations(t *rapid.T, b *podtest.Builder) {
	for name, values := range map[string][]string{
		"service":           {"user", "user", "user", "order", "a/b"},
		"port":              {"http", "8080", "mesh", "none", "0"},
		"version":           {"v1", "v2", "", "v\n", unspeakable},
		"weight":            {"1", "10", "heavy"},
		"metadata":          {`{}`, `{"a":"b","c":"d"}`, `{"a":1}`},
		"publish-not-ready": {"true", "false", "yes"},
	} {
		if name == "service" && rapid.IntRange(0, 5).Draw(t, "opted in") > 0 || rapid.IntRange(0, 3).Draw(t, "has "+name) == 0 {
			b.Annotate(name, rapid.SampledFrom(values).Draw(t, name))
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "typo") == 0 {
		b.Annotate("prot", "80")
	}
}

func drawPorts(t *rapid.T, b *podtest.Builder) {
	for range rapid.IntRange(0, 2).Draw(t, "ports") {
		b.Port(rapid.SampledFrom([]string{"", "http", "grpc"}).Draw(t, "port name"), rapid.Int32Range(1, 3).Draw(t, "port"))
	}
	if rapid.Bool().Draw(t, "sidecar") {
		b.Sidecar("proxy", rapid.SampledFrom([]string{"mesh", "http"}).Draw(t, "sidecar port"), 15000)
	}
	if rapid.Bool().Draw(t, "init container") {
		b.InitContainer("setup", "none", 1)
	}
}

func drawStatus(t *rapid.T, b *podtest.Builder) {
	addresses := rapid.SampledFrom([][]string{{"10.0.0.1"}, {"fd00::1", "10.0.0.1"}, {"::ffff:10.0.0.2"}, {"FE80::1%eth0"}, {""}, {"nonsense"}}).Draw(t, "addresses")
	if rapid.Bool().Draw(t, "has address") {
		b.IP(addresses...)
	}
	if rapid.Bool().Draw(t, "topology") {
		b.Topology("eu", fmt.Sprint("eu-", rapid.IntRange(1, 2).Draw(t, "zone")))
	}
	switch rapid.IntRange(0, 3).Draw(t, "readiness") {
	case 0:
	case 1:
		b.NotReady()
	default:
		b.Ready()
	}
	if rapid.IntRange(0, 4).Draw(t, "terminating") == 0 {
		b.Terminating()
	}
	if rapid.IntRange(0, 4).Draw(t, "other phase") == 0 {
		b.Phase(rapid.SampledFrom([]corev1.PodPhase{corev1.PodPending, corev1.PodSucceeded, corev1.PodFailed}).Draw(t, "phase"))
	}
}
