package controlplane

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// createNodes creates the nodes, which kwok then makes ready.
func (cp *ControlPlane) createNodes(ctx context.Context) error {
	for i := range cp.opts.Nodes {
		node := newNode(i)
		if _, err := cp.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating node %q: %w", node.Name, err)
		}
	}
	return nil
}

// newNode is node i, counted from 0. The nodes are spread over three zones of a region.
func newNode(i int) *corev1.Node {
	name := "node-" + strconv.Itoa(i)
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("1k"),
		corev1.ResourceMemory: resource.MustParse("1Ti"),
		corev1.ResourcePods:   resource.MustParse("10k"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				corev1.LabelHostname:       name,
				corev1.LabelTopologyRegion: "local",
				corev1.LabelTopologyZone:   "local-" + string(rune('a'+i%3)),
			},
		},
		Status: corev1.NodeStatus{
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("10.32.%d.%d", (i+1)/250, (i+1)%250)},
				{Type: corev1.NodeHostName, Address: name},
			},
			Capacity:    capacity,
			Allocatable: capacity,
		},
	}
}

// waitComplete waits until the nodes are ready and Pods can be created.
func (cp *ControlPlane) waitComplete(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		last = cp.complete(ctx)
		return last == nil, cp.componentEnded()
	})
	if err == nil {
		return nil
	}
	return fmt.Errorf("waiting for the control plane: %w (logs in %s)", errors.Join(err, last), cp.opts.Dir)
}

// complete returns what is still lacking.
func (cp *ControlPlane) complete(ctx context.Context) error {
	nodes, err := cp.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	for i := range nodes.Items {
		if !nodeReady(&nodes.Items[i]) {
			return fmt.Errorf("node %q is not ready", nodes.Items[i].Name)
		}
	}
	if _, err := cp.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
		return fmt.Errorf("getting the default service account: %w", err)
	}
	return nil
}

func nodeReady(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// componentEnded explains the first component that ended.
func (cp *ControlPlane) componentEnded() error {
	cp.mu.Lock()
	defer cp.mu.Unlock()
	for _, p := range cp.components {
		if !p.Alive() {
			return p.Explain(errors.New("a component ended"))
		}
	}
	return nil
}
