package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// userPod is a ready Pod of service user, changed by change.
func userPod(change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   "default",
			Name:        "user-1",
			Annotations: map[string]string{"causeway.dev/service": "user", "causeway.dev/version": "v1"},
		},
		Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "proxy", ContainerPort: 9090}}}},
			Containers:     []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}}},
		},
		Status: corev1.PodStatus{
			PodIP:      "10.64.0.1",
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	pod.Annotations["causeway.dev/port"] = "http"
	change(pod)
	return pod
}

func annotated(name, value string) *corev1.Pod {
	return userPod(func(pod *corev1.Pod) { pod.Annotations["causeway.dev/"+name] = value })
}

func unready(pod *corev1.Pod) { pod.Status.Conditions[0].Status = corev1.ConditionFalse }

func terminating(pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{Time: clock(0)} }

func TestPublishedBy(t *testing.T) {
	for name, test := range map[string]struct {
		pod  *corev1.Pod
		want string // key, or none
	}{
		"ready":          {userPod(func(*corev1.Pod) {}), "/services/user/10.64.0.1:8080"},
		"sidecar's port": {annotated("port", "proxy"), "/services/user/10.64.0.1:9090"},
		"port by number": {annotated("port", "7000"), "/services/user/10.64.0.1:7000"},
		"IPv6":           {userPod(func(pod *corev1.Pod) { pod.Status.PodIP = "fd00::1" }), "/services/user/[fd00::1]:8080"},
		"unknown port":   {annotated("port", "grpc"), ""},
		"bad weight":     {annotated("weight", "heavy"), ""},
		"unready":        {userPod(unready), ""},
		"terminating":    {userPod(terminating), ""},
		"no address":     {userPod(func(pod *corev1.Pod) { pod.Status.PodIP = "" }), ""},
		"not annotated":  {userPod(func(pod *corev1.Pod) { pod.Annotations = nil }), ""},
		"no condition":   {userPod(func(pod *corev1.Pod) { pod.Status.Conditions = nil }), ""},
		"two ports": {userPod(func(pod *corev1.Pod) {
			delete(pod.Annotations, "causeway.dev/port")
		}), ""},
		"only port": {userPod(func(pod *corev1.Pod) {
			delete(pod.Annotations, "causeway.dev/port")
			pod.Spec.InitContainers = nil
		}), "/services/user/10.64.0.1:8080"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			if published, ok := publishedBy(test.pod); ok {
				got = published.key()
			}
			if got != test.want {
				t.Errorf("it publishes %q, want %q", got, test.want)
			}
		})
	}
}

func TestDecodeReadsWhatPodPublishes(t *testing.T) {
	pod := annotated("weight", "7")
	want, _ := publishedBy(pod)
	got, err := decode([]byte(`{"name":"user","host":"10.64.0.1","port":8080,"version":"v1","weight":7,"metadata":{"a":"b"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("instance (-of the Pod +of the key):\n%s", diff)
	}
	if _, err := decode([]byte("no JSON")); err == nil {
		t.Error("a value that is no JSON was read")
	}
}
