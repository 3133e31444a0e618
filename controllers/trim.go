package controllers

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Trim is the transform of the cache: of a Pod it keeps what [Publications] reads, and of a
// Pod that has not opted in no more than its name and version. Other objects pass as they
// are. It returns a new Pod, so that nothing holds on to the memory of the one received; the
// strings that both share are allocations of their own. Trimming twice changes nothing.
func (a Annotations) Trim(obj any) (any, error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	trimmed := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name:            pod.Name,
		Namespace:       pod.Namespace,
		ResourceVersion: pod.ResourceVersion,
	}}
	if a.OptedIn(pod) {
		a.keepMetadata(trimmed, pod)
		keepPorts(trimmed, pod)
		keepStatus(trimmed, pod)
	}
	return trimmed, nil
}

func (a Annotations) keepMetadata(to, from *corev1.Pod) {
	to.UID = from.UID
	to.CreationTimestamp = from.CreationTimestamp
	to.DeletionTimestamp = from.DeletionTimestamp
	to.Annotations = map[string]string{}
	for key, value := range from.Annotations {
		if a.owns(key) {
			to.Annotations[key] = value
		}
	}
	for _, key := range []string{corev1.LabelTopologyZone, corev1.LabelTopologyRegion} {
		if value, ok := from.Labels[key]; ok {
			metav1.SetMetaDataLabel(&to.ObjectMeta, key, value)
		}
	}
}

// keepPorts gathers the ports of all containers in one, because a Container is large.
func keepPorts(to, from *corev1.Pod) {
	ports := containerPorts(&from.Spec)
	if len(ports) == 0 {
		return
	}
	kept := make([]corev1.ContainerPort, 0, len(ports))
	for _, p := range ports {
		kept = append(kept, corev1.ContainerPort{Name: p.Name, ContainerPort: p.ContainerPort})
	}
	to.Spec.Containers = []corev1.Container{{Ports: kept}}
}

func keepStatus(to, from *corev1.Pod) {
	to.Status.Phase = from.Status.Phase
	to.Status.PodIP = primaryIP(from)
	if ready(from) {
		to.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(readySince(from)),
		}}
	}
}
