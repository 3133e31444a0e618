package main

import (
	"context"
	"fmt"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-io/causeway/controllers/podtest"
	"github.com/causeway-io/causeway/hack/controlplane"
)

// pod is a Pod whose every change is noted in the ledger before it is made. It is for one
// goroutine.
type pod struct {
	*nursery
	name, address string
	exists, ready bool
	version       int64
}

// nursery makes Pods.
type nursery struct {
	plane     *controlplane.ControlPlane
	kube      kubernetes.Interface
	namespace string
	ledger    *ledger
	versions  *atomic.Int64 // so that no value is ever written twice
}

func (n *nursery) newPod(i int) *pod {
	return &pod{nursery: n, name: fmt.Sprintf("pod-%d", i), address: fmt.Sprintf("10.1.%d.%d", i/250, i%250)}
}

func (p *pod) key() string { return servicesPrefix + "user/" + p.address + ":8080" }

// value is what the json format makes of the Pod.
func (p *pod) value() string {
	return fmt.Sprintf(`{"name":"user","host":%q,"port":8080,"version":"v%d","weight":1,"metadata":{}}`, p.address, p.version)
}

// create makes the Pod and turns it ready.
func (p *pod) create(ctx context.Context) error {
	p.version = p.versions.Add(1)
	p.exists, p.ready = true, true
	p.ledger.expect(p.key(), p.value())
	return p.submit(ctx, p.builder())
}

// builder is the Pod as it should be.
func (p *pod) builder() *podtest.Builder {
	return podtest.New(p.namespace, p.name).UID("").Annotate("service", "user").
		Annotate("version", fmt.Sprintf("v%d", p.version)).Port("http", 8080).IP(p.address).Ready()
}

// submit creates the Pod and then writes its status, as a kubelet would.
func (p *pod) submit(ctx context.Context, b *podtest.Builder) error {
	want := b.Obj()
	pods := p.kube.CoreV1().Pods(p.namespace)
	got, err := pods.Create(ctx, want, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating Pod %s: %w", p.name, err)
	}
	got.Status = want.Status
	if _, err := pods.UpdateStatus(ctx, got, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("writing the status of Pod %s: %w", p.name, err)
	}
	return nil
}

// edit changes an attribute of the Pod.
func (p *pod) edit(ctx context.Context) error {
	p.version = p.versions.Add(1)
	if p.ready {
		p.ledger.expect(p.key(), p.value())
	}
	return p.annotate(ctx, "version", fmt.Sprintf("v%d", p.version))
}

func (p *pod) annotate(ctx context.Context, name, value string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, podtest.Prefix+name, value)
	_, err := p.kube.CoreV1().Pods(p.namespace).Patch(ctx, p.name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("annotating Pod %s: %w", p.name, err)
	}
	return nil
}

// fail turns the Pod unready.
func (p *pod) fail(ctx context.Context) error {
	p.ready = false
	p.ledger.expect(p.key(), absent)
	return p.plane.SetPodReady(ctx, p.namespace, p.name, false)
}

// recover turns the Pod ready, with a new version: so its value is like none before.
func (p *pod) recover(ctx context.Context) error {
	if err := p.edit(ctx); err != nil {
		return err
	}
	p.ready = true
	p.ledger.expect(p.key(), p.value())
	return p.plane.SetPodReady(ctx, p.namespace, p.name, true)
}

// remove deletes the Pod.
func (p *pod) remove(ctx context.Context) error {
	if p.ready {
		p.ledger.expect(p.key(), absent)
	}
	p.exists, p.ready = false, false
	if err := p.kube.CoreV1().Pods(p.namespace).Delete(ctx, p.name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("deleting Pod %s: %w", p.name, err)
	}
	return nil
}
