package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// userService is the service of the sample that most steps play with.
const userService = "user"

// startController shows whose rights the controller has, and starts it.
func (p *play) startController(ctx context.Context) error {
	c := p.stage.controller
	as := "--kubeconfig=" + c.kubeconfig
	if _, err := p.stage.tools.kubectl(ctx, as, "auth", "whoami", "-o=jsonpath={.status.userInfo.username}"); err != nil {
		return err
	}
	for _, right := range []struct{ verb, resource, want string }{
		{"watch", "pods", "yes"},
		{"delete", "pods", "no"},
		{"get", "secrets", "no"},
	} {
		answer, err := p.stage.tools.kubectl(ctx, as, "auth", "can-i", right.verb, right.resource, "--all-namespaces")
		if strings.TrimSpace(answer) != right.want { // the exit code is 1 for no
			return errors.Join(fmt.Errorf("may it %s %s: %q, want %q", right.verb, right.resource, answer, right.want), err)
		}
	}
	if err := c.start(ctx); err != nil {
		return err
	}
	p.found("the controller leads and is ready; there are no keys yet")
	_, err := p.settle(ctx, 0, tally{})
	return err
}

// create applies the samples: two Deployments with two Pods each.
func (p *play) create(ctx context.Context) error {
	mark := p.stage.seen.mark()
	if _, err := p.stage.tools.kubectl(ctx, "apply", "-k", samplesFolder); err != nil {
		return err
	}
	events, err := p.settle(ctx, mark, tally{created: 4})
	if err != nil {
		return err
	}
	if _, err := p.stage.tools.etcdctl(ctx, "get", "--prefix", keyPrefix, "--limit=3"); err != nil {
		return err
	}
	p.found("4 Pods, 4 keys")
	p.found("Pod ready → key: %v", spreadOf(latencies(events, podServes, keyCreated)))
	return nil
}

// scale scales a Deployment from 2 Pods to 10, and then to 4.
func (p *play) scale(ctx context.Context) error {
	up, err := p.scaleTo(ctx, 10, tally{created: 8})
	if err != nil {
		return err
	}
	p.found("8 more Pods, 8 more keys; Pod ready → key: %v", spreadOf(latencies(up, podServes, keyCreated)))
	down, err := p.scaleTo(ctx, 4, tally{deleted: 6})
	if err != nil {
		return err
	}
	p.found("6 Pods less, 6 keys less; Pod terminating → key gone: %v", spreadOf(latencies(down, podLeaves, keyDeleted)))
	return nil
}

func (p *play) scaleTo(ctx context.Context, replicas int, want tally) ([]event, error) {
	mark := p.stage.seen.mark()
	_, err := p.stage.tools.kubectl(ctx, "scale", "deployment/user", fmt.Sprintf("--replicas=%d", replicas))
	if err != nil {
		return nil, err
	}
	return p.settle(ctx, mark, want)
}

// turnUnready changes the Ready condition of a running Pod, as a kubelet does when the
// readiness probe fails.
func (p *play) turnUnready(ctx context.Context) error {
	pod, _, err := p.stage.seen.userPod()
	if err != nil {
		return err
	}
	unready, err := p.setReady(ctx, pod, "False", tally{deleted: 1})
	if err != nil {
		return err
	}
	p.found("Pod unready → key gone: %v", spreadOf(latencies(unready, podLeaves, keyDeleted)))
	ready, err := p.setReady(ctx, pod, "True", tally{created: 1})
	if err != nil {
		return err
	}
	p.found("Pod ready → key: %v", spreadOf(latencies(ready, podServes, keyCreated)))
	return nil
}

func (p *play) setReady(ctx context.Context, pod, status string, want tally) ([]event, error) {
	mark := p.stage.seen.mark()
	_, err := p.stage.tools.kubectl(ctx, "patch", "pod", pod, "--subresource=status",
		`--patch={"status":{"conditions":[{"type":"Ready","status":"`+status+`"}]}}`)
	if err != nil {
		return nil, err
	}
	return p.settle(ctx, mark, want)
}

// editWeight changes one attribute of one Pod.
func (p *play) editWeight(ctx context.Context) error {
	pod, published, err := p.stage.seen.userPod()
	if err != nil {
		return err
	}
	events, err := p.annotate(ctx, pod, "weight=5", tally{changed: 1})
	if err != nil {
		return err
	}
	if _, err := p.stage.tools.etcdctl(ctx, "get", published.key()); err != nil {
		return err
	}
	p.found("1 put in place; Pod edited → key changed: %v", spreadOf(latencies(events, podEdited, keyChanged)))
	return nil
}

func (p *play) annotate(ctx context.Context, pod, annotation string, want tally) ([]event, error) {
	mark := p.stage.seen.mark()
	if _, err := p.stage.tools.kubectl(ctx, "annotate", "pod", pod, annotationPrefix+annotation, "--overwrite"); err != nil {
		return nil, err
	}
	return p.settle(ctx, mark, want)
}

// breakAnnotation gives a Pod a weight that is none, and then one that is.
func (p *play) breakAnnotation(ctx context.Context) error {
	pod, _, err := p.stage.seen.userPod()
	if err != nil {
		return err
	}
	broken, err := p.annotate(ctx, pod, "weight=heavy", tally{deleted: 1})
	if err != nil {
		return err
	}
	if err := p.showEvent(ctx, pod); err != nil {
		return err
	}
	p.found("annotation broken → key gone: %v", spreadOf(latencies(broken, podLeaves, keyDeleted)))
	mended, err := p.annotate(ctx, pod, "weight=20", tally{created: 1})
	if err != nil {
		return err
	}
	p.found("1 Warning Event; mended → key: %v", spreadOf(latencies(mended, podServes, keyCreated)))
	return nil
}

// showEvent waits for the Event about the Pod, and shows it.
func (p *play) showEvent(ctx context.Context, pod string) error {
	about := "involvedObject.name=" + pod + ",type=Warning"
	events := p.stage.kube.CoreV1().Events(metav1.NamespaceDefault)
	err := wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		list, err := events.List(ctx, metav1.ListOptions{FieldSelector: about})
		return err == nil && len(list.Items) > 0, err
	})
	if err != nil {
		return fmt.Errorf("waiting for an Event about Pod %q: %w", pod, err)
	}
	shown, err := p.stage.tools.kubectl(ctx, "get", "events", "--field-selector="+about,
		"-o=custom-columns=TYPE:.type,REASON:.reason,MESSAGE:.message", "--no-headers")
	if err != nil {
		return err
	}
	if lines := strings.Count(shown, "\n"); lines != 1 || !strings.Contains(shown, "heavy") {
		return fmt.Errorf("%d Events about Pod %q, want 1 that names the value", lines, pod)
	}
	return nil
}
