package controllers

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-io/causeway/registry"
)

// Publications says what a Pod publishes. It is pure: the same Pod always gives the same
// answer, and the Pod is not changed. It is safe for concurrent use.
type Publications struct {
	annotations Annotations
	formats     []registry.Format
}

// NewPublications returns what the annotations mean in each of the formats.
func NewPublications(annotations Annotations, formats ...registry.Format) Publications {
	return Publications{annotations: annotations, formats: slices.Clone(formats)}
}

// InvalidError says why a Pod can never be published as its owner wrote it. Trying again is
// of no use before the Pod has changed.
type InvalidError struct {
	// Problems are sentences for the owner of the Pod, at least one, in a fixed order.
	Problems []string
}

// Error returns all problems in one line.
func (e *InvalidError) Error() string { return strings.Join(e.Problems, "; ") }

// Instances returns what the Pod publishes now: nothing if it has not opted in or if it
// cannot be reached or must not be used at present. The error is an [*InvalidError]; it is
// reported whether or not the Pod could be published now, so that its owner learns of it
// early.
func (p Publications) Instances(pod *corev1.Pod) ([]registry.Instance, error) {
	if !p.annotations.OptedIn(pod) {
		return nil, nil
	}
	instance, publishNotReady, err := p.describe(pod)
	if err != nil {
		return nil, err
	}
	if finished(pod) || instance.Host == "" || (!publishNotReady && !ready(pod)) {
		return nil, nil
	}
	return []registry.Instance{instance}, nil
}

// describe validates the whole Pod and returns its instance.
func (p Publications) describe(pod *corev1.Pod) (instance registry.Instance, publishNotReady bool, err error) {
	s, problems := p.annotations.parse(pod.Annotations)
	port, err := p.annotations.resolve(s.port, containerPorts(&pod.Spec))
	if err != nil {
		problems = append(problems, err.Error())
	}
	if len(problems) > 0 {
		return registry.Instance{}, false, &InvalidError{Problems: problems}
	}
	return registry.Instance{
		ID:       string(pod.UID),
		Service:  s.service,
		Host:     hostOf(pod),
		Port:     port,
		Version:  s.version,
		Weight:   s.weight,
		Metadata: s.metadata,
		Zone:     pod.Labels[corev1.LabelTopologyZone],
		Region:   pod.Labels[corev1.LabelTopologyRegion],
	}, s.publishNotReady, nil
}

// finished reports whether the Pod is on its way out or has ended. Its readiness lags
// behind, so it does not count then.
func finished(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp != nil ||
		pod.Status.Phase == corev1.PodSucceeded ||
		pod.Status.Phase == corev1.PodFailed
}

func ready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, isReady)
}

// readySince is when the Pod turned ready, in whole seconds; zero if it is not.
func readySince(pod *corev1.Pod) time.Time {
	if i := slices.IndexFunc(pod.Status.Conditions, isReady); i >= 0 {
		return pod.Status.Conditions[i].LastTransitionTime.Time
	}
	return time.Time{}
}

func isReady(c corev1.PodCondition) bool {
	return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
}

// hostOf returns the primary address of the Pod in its canonical form, so that one address
// never gives two keys. It is "" if the Pod has none; the API server lets nothing else pass.
func hostOf(pod *corev1.Pod) string {
	addr, err := netip.ParseAddr(primaryIP(pod))
	if err != nil {
		return ""
	}
	return addr.Unmap().WithZone("").String()
}

func primaryIP(pod *corev1.Pod) string {
	if pod.Status.PodIP == "" && len(pod.Status.PodIPs) > 0 {
		return pod.Status.PodIPs[0].IP
	}
	return pod.Status.PodIP
}
