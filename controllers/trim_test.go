package controllers

import (
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"pgregory.net/rapid"

	"github.com/causeway-io/causeway/controllers/podtest"
	"github.com/causeway-io/causeway/registry"
)

// answer is all that is ever asked about a Pod.
type answer struct {
	OptedIn    bool
	Instances  []registry.Instance
	Records    []registry.Record
	Problem    string
	Since      time.Time
	ReadySince time.Time
}

func ask(p Publications, pod *corev1.Pod) answer {
	a := answer{OptedIn: p.annotations.OptedIn(pod)}
	if a.OptedIn {
		a.Since, a.ReadySince = pod.CreationTimestamp.Time, readySince(pod)
	}
	a.Instances, _ = p.Instances(pod)
	a.Records, _ = p.Records(pod)
	if invalid := p.invalid(pod); invalid != nil {
		a.Problem = invalid.Error()
	}
	return a
}

func TestTrimKeepsMapping(t *testing.T) {
	t.Parallel()
	p := testPublications(t)
	rapid.Check(t, func(t *rapid.T) {
		pod := drawPod(t)
		original := pod.DeepCopy()
		trimmed := mustTrim(t, p.annotations, pod)
		if diff := cmp.Diff(ask(p, pod), ask(p, trimmed)); diff != "" {
			t.Errorf("the trimmed Pod publishes otherwise (-original +trimmed):\n%s", diff)
		}
		if diff := cmp.Diff(trimmed, mustTrim(t, p.annotations, trimmed)); diff != "" {
			t.Errorf("trimming again changes the Pod (-once +twice):\n%s", diff)
		}
		if diff := cmp.Diff(original, pod); diff != "" {
			t.Errorf("trimming changed the Pod it was given (-before +after):\n%s", diff)
		}
	})
}

func TestTrimAnnotatedPod(t *testing.T) {
	t.Parallel()
	pod := largePod().Annotate("service", "user").Annotate("port", "http").Obj()
	want := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID, ResourceVersion: "7",
			CreationTimestamp: pod.CreationTimestamp,
			Annotations:       map[string]string{podtest.Prefix + "service": "user", podtest.Prefix + "port": "http"},
			Labels:            map[string]string{corev1.LabelTopologyZone: "eu-1", corev1.LabelTopologyRegion: "eu"},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "mesh", ContainerPort: 15000}},
		}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1",
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	if diff := cmp.Diff(want, mustTrim(t, testAnnotations(t), pod)); diff != "" {
		t.Errorf("trimmed (-want +got):\n%s", diff)
	}
}

func TestTrimPlainPod(t *testing.T) {
	t.Parallel()
	pod := largePod().Obj()
	want := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, ResourceVersion: "7"}}
	if diff := cmp.Diff(want, mustTrim(t, testAnnotations(t), pod)); diff != "" {
		t.Errorf("trimmed (-want +got):\n%s", diff)
	}
}

func TestTrimOtherObjects(t *testing.T) {
	t.Parallel()
	tombstone := toolscache.DeletedFinalStateUnknown{Key: "default/user-1", Obj: user().Obj()}
	got, err := testAnnotations(t).Trim(tombstone)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(tombstone), got); diff != "" {
		t.Errorf("trimmed (-want +got):\n%s", diff)
	}
}

// What a Pod takes in the cache is its Go struct and little more. Not parallel: it measures
// the heap.
func TestTrimmedSize(t *testing.T) { //nolint:paralleltest // measures the heap of the process
	const (
		plainExtra     = 256
		annotatedExtra = 2048
	)
	annotations := testAnnotations(t)
	structSize := int64(unsafe.Sizeof(corev1.Pod{}))
	for name, test := range map[string]struct {
		pod   *corev1.Pod
		limit int64
	}{
		"plain":     {largePod().Obj(), structSize + plainExtra},
		"annotated": {largePod().Annotate("service", "user").Annotate("port", "http").Obj(), structSize + annotatedExtra},
	} {
		whole := heapPerPod(func() *corev1.Pod { return wire(t, test.pod) })
		trimmed := heapPerPod(func() *corev1.Pod { return mustTrim(t, annotations, wire(t, test.pod)) })
		t.Logf("%s Pod: %d bytes as received, %d bytes trimmed; the struct alone is %d bytes", name, whole, trimmed, structSize)
		if trimmed > test.limit {
			t.Errorf("%s Pod: trimmed to %d bytes, want at most %d", name, trimmed, test.limit)
		}
	}
}

// heapPerPod returns how much heap one of the Pods holds on to.
func heapPerPod(make1 func() *corev1.Pod) int64 {
	const n = 1000
	pods := make([]*corev1.Pod, n)
	before := heapInUse()
	for i := range pods {
		pods[i] = make1()
	}
	after := heapInUse()
	runtime.KeepAlive(pods)
	return (after - before) / n
}

func heapInUse() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // the first leaves what finalizers and pools still hold
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// wire returns the Pod as it comes from the API server.
func wire(tb testing.TB, pod *corev1.Pod) *corev1.Pod {
	tb.Helper()
	data, err := pod.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	var decoded corev1.Pod
	if err := decoded.Unmarshal(data); err != nil {
		tb.Fatal(err)
	}
	return &decoded
}

// largePod is a running Pod of usual size that has not opted in.
func largePod() *podtest.Builder {
	b := podtest.New("production", "frontend-6d5b8f7c9d-x2x7k").ResourceVersion("7").
		Topology("eu", "eu-1").Label("app", "frontend").Label("pod-template-hash", "6d5b8f7c9d").
		Port("http", 8080).Sidecar("proxy", "mesh", 15000).IP("10.0.0.1").Ready()
	pod := b.Obj()
	env := make([]corev1.EnvVar, 20)
	for i := range env {
		env[i] = corev1.EnvVar{Name: "VARIABLE", Value: strings.Repeat("v", 40)}
	}
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet", FieldsV1: metav1.NewFieldsV1(strings.Repeat("f", 1500))}}
	pod.Spec.Containers[0].Env = env
	pod.Spec.Volumes = make([]corev1.Volume, 3)
	pod.Spec.Tolerations = make([]corev1.Toleration, 2)
	pod.Status.ContainerStatuses = make([]corev1.ContainerStatus, 2)
	return podtest.From(pod)
}
