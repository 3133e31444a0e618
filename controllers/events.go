package controllers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// eventComponent is the source of our Events.
	eventComponent = "causeway"
	// maxEventMessage is the greatest length of the message of an Event, in bytes; the
	// newer Event API refuses more.
	maxEventMessage = 1024
	ellipsis        = "…"
)

// Creator is the part of a client that writes Events.
type Creator interface {
	// Create creates the object.
	Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error
}

// Events is the [EventSink] that writes to the API server. It is safe for concurrent use.
type Events struct {
	client Creator
	now    func() time.Time
}

// NewEvents returns a sink that writes through client, stamped by now, such as [time.Now].
func NewEvents(client Creator, now func() time.Time) *Events {
	return &Events{client: client, now: now}
}

// Warn implements [EventSink]. The name of the Event is computed from what it says, so the
// API server itself keeps it from existing twice. A namespace that is being deleted takes
// no Events any more, and nobody would read them: that is no error.
func (e *Events) Warn(ctx context.Context, pod *corev1.Pod, reason, message string) error {
	event := e.warning(pod, reason, bounded(message))
	err := e.client.Create(ctx, event)
	switch {
	case err == nil, apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err),
		apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return nil
	default:
		return fmt.Errorf("creating Event %s/%s: %w", event.Namespace, event.Name, err)
	}
}

func (e *Events) warning(pod *corev1.Pod, reason, message string) *corev1.Event {
	now := metav1.NewTime(e.now())
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name:      eventName(pod, reason, message),
			Namespace: pod.Namespace,
		},
		InvolvedObject: corev1.ObjectReference{
			APIVersion:      corev1.SchemeGroupVersion.String(),
			Kind:            "Pod",
			Namespace:       pod.Namespace,
			Name:            pod.Name,
			UID:             pod.UID,
			ResourceVersion: pod.ResourceVersion,
		},
		Type:                corev1.EventTypeWarning,
		Reason:              reason,
		Message:             message,
		Source:              corev1.EventSource{Component: eventComponent},
		ReportingController: eventComponent,
		FirstTimestamp:      now,
		LastTimestamp:       now,
		Count:               1,
	}
}

// eventName tells apart what Events say about a Pod, and is the same in every replica.
func eventName(pod *corev1.Pod, reason, message string) string {
	sum := sha256.Sum256([]byte(string(pod.UID) + "\x00" + reason + "\x00" + message))
	suffix := "." + hex.EncodeToString(sum[:8])
	name := clip(pod.Name, validation.DNS1123SubdomainMaxLength-len(suffix))
	return strings.TrimRight(name, "-.") + suffix
}

func bounded(message string) string {
	if len(message) <= maxEventMessage {
		return message
	}
	return clip(message, maxEventMessage-len(ellipsis)) + ellipsis
}
