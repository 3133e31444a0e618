// Package podtest builds Pods for tests, fluently: each method changes the Pod in the making
// and returns the builder.
package podtest

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Prefix is the prefix of the annotations that [Builder.Annotate] sets.
const Prefix = "causeway.dev/"

// Builder holds a Pod in the making. It is for one goroutine.
type Builder struct {
	pod *corev1.Pod
}

// New starts a Pod as the API server would first show it: one container that declares no
// port, pending, without an address. Its UID is the name with "-uid" appended.
func New(namespace, name string) *Builder {
	return &Builder{pod: &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         namespace,
			Name:              name,
			UID:               types.UID(name + "-uid"),
			CreationTimestamp: metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		},
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}}
}

// Obj returns the Pod, a copy for each call.
func (b *Builder) Obj() *corev1.Pod { return b.pod.DeepCopy() }

// UID sets the UID.
func (b *Builder) UID(uid string) *Builder {
	b.pod.UID = types.UID(uid)
	return b
}

// Created sets the time of creation.
func (b *Builder) Created(at time.Time) *Builder {
	b.pod.CreationTimestamp = metav1.NewTime(at)
	return b
}

// Annotate sets the annotation of that name below [Prefix].
func (b *Builder) Annotate(name, value string) *Builder {
	metav1.SetMetaDataAnnotation(&b.pod.ObjectMeta, Prefix+name, value)
	return b
}

// Label sets a label.
func (b *Builder) Label(key, value string) *Builder {
	metav1.SetMetaDataLabel(&b.pod.ObjectMeta, key, value)
	return b
}

// Topology sets the topology labels.
func (b *Builder) Topology(region, zone string) *Builder {
	return b.Label(corev1.LabelTopologyRegion, region).Label(corev1.LabelTopologyZone, zone)
}

// Port declares a port of the first container; name may be empty.
func (b *Builder) Port(name string, number int32) *Builder {
	return b.ProtocolPort(name, number, corev1.ProtocolTCP)
}

// ProtocolPort declares a port of the first container.
func (b *Builder) ProtocolPort(name string, number int32, protocol corev1.Protocol) *Builder {
	first := &b.pod.Spec.Containers[0]
	first.Ports = append(first.Ports, corev1.ContainerPort{Name: name, ContainerPort: number, Protocol: protocol})
	return b
}

// Sidecar adds an init container that is restarted always, with a port.
func (b *Builder) Sidecar(name, portName string, number int32) *Builder {
	b.InitContainer(name, portName, number)
	last := len(b.pod.Spec.InitContainers) - 1
	b.pod.Spec.InitContainers[last].RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	return b
}

// InitContainer adds an init container that runs once, with a port.
func (b *Builder) InitContainer(name, portName string, number int32) *Builder {
	b.pod.Spec.InitContainers = append(b.pod.Spec.InitContainers, corev1.Container{
		Name: name, Image: name,
		Ports: []corev1.ContainerPort{{Name: portName, ContainerPort: number, Protocol: corev1.ProtocolTCP}},
	})
	return b
}

// HostNetwork puts the Pod into the network of its node, with these addresses.
func (b *Builder) HostNetwork(addresses ...string) *Builder {
	b.pod.Spec.HostNetwork = true
	b.pod.Status.HostIP = addresses[0]
	return b.IP(addresses...)
}

// IP gives the Pod its addresses, the primary one first, and makes it run.
func (b *Builder) IP(addresses ...string) *Builder {
	b.pod.Status.Phase = corev1.PodRunning
	b.pod.Status.PodIP = addresses[0]
	b.pod.Status.PodIPs = nil
	for _, address := range addresses {
		b.pod.Status.PodIPs = append(b.pod.Status.PodIPs, corev1.PodIP{IP: address})
	}
	return b
}

// Ready makes the Pod ready.
func (b *Builder) Ready() *Builder { return b.ready(corev1.ConditionTrue) }

// ReadySince makes the Pod ready, and says since when.
func (b *Builder) ReadySince(at time.Time) *Builder {
	b.Ready().pod.Status.Conditions[1].LastTransitionTime = metav1.NewTime(at)
	return b
}

// NotReady makes the Pod unready.
func (b *Builder) NotReady() *Builder { return b.ready(corev1.ConditionFalse) }

func (b *Builder) ready(status corev1.ConditionStatus) *Builder {
	b.pod.Status.Conditions = []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
		{Type: corev1.PodReady, Status: status},
	}
	return b
}

// Phase sets the phase.
func (b *Builder) Phase(phase corev1.PodPhase) *Builder {
	b.pod.Status.Phase = phase
	return b
}

// Terminating makes the Pod one that is being deleted and that a finalizer still holds.
func (b *Builder) Terminating() *Builder {
	b.pod.DeletionTimestamp = new(metav1.NewTime(b.pod.CreationTimestamp.Add(time.Hour)))
	b.pod.Finalizers = []string{"example.com/hold"}
	return b
}

// ResourceVersion sets the version of the Pod.
func (b *Builder) ResourceVersion(version string) *Builder {
	b.pod.ResourceVersion = version
	return b
}

// From continues with a copy of a Pod.
func From(pod *corev1.Pod) *Builder { return &Builder{pod: pod.DeepCopy()} }
