package controlplane

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/causeway-io/causeway/hack/etcdserver"
)

const namespace = "default"

func TestAPIServerOnly(t *testing.T) {
	cp := startTest(t, Options{APIServerOnly: true})
	client := kubernetes.NewForConfigOrDie(cp.RESTConfig())

	t.Run("a Pod needs no service account", func(t *testing.T) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "bare"}, Spec: podSpec()}
		if _, err := client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a service account has the rights bound to it", func(t *testing.T) { testRights(t, cp, client) })
	t.Run("the API server comes back with its data", func(t *testing.T) { testOutage(t, cp, client) })
}

// testRights shows that a token is refused before its service account may list Pods, and
// still for what the account may not do.
func testRights(t *testing.T, cp *ControlPlane, admin kubernetes.Interface) {
	t.Helper()
	const name = "reader"
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := admin.CoreV1().ServiceAccounts(namespace).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	reader := clientFor(t, func() (string, error) { return cp.ServiceAccountKubeconfig(t.Context(), namespace, name) })
	if _, err := reader.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Fatalf("listing Pods without rights gave %v, want forbidden", err)
	}

	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}}},
	}
	if _, err := admin.RbacV1().Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: name}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
	}
	if _, err := admin.RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the right to list Pods", func(ctx context.Context) (bool, error) {
		_, err := reader.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if apierrors.IsForbidden(err) {
			return false, nil
		}
		return err == nil, err
	})
	if _, err := reader.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("listing Secrets gave %v, want forbidden", err)
	}
}

// testOutage shows that the clients made before an outage work after it.
func testOutage(t *testing.T, cp *ControlPlane, client kubernetes.Interface) {
	t.Helper()
	before, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := cp.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a request while the API server is down gave %v, want connection refused", err)
	}
	if err := cp.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if before.UID != after.UID {
		t.Errorf("the namespace had UID %s before the outage and %s after it", before.UID, after.UID)
	}
}

func TestWholeControlPlane(t *testing.T) {
	const replicas = 100
	cp := startTest(t, Options{Discovery: &etcdserver.Options{UnsafeNoFsync: true}})
	if err := cp.Etcd().WaitHealthy(t.Context()); err != nil {
		t.Errorf("the etcd for discovery: %v", err)
	}
	client := clientFor(t, func() (string, error) { return cp.Kubeconfig(), nil })

	createDeployment(t, client, "many", replicas)
	pods := waitReady(t, client, "many", replicas)
	addresses := map[string]bool{}
	for _, pod := range pods {
		if _, err := netip.ParseAddr(pod.Status.PodIP); err != nil {
			t.Errorf("Pod %s: %v", pod.Name, err)
		}
		addresses[pod.Status.PodIP] = true
	}
	if len(addresses) != replicas {
		t.Errorf("%d Pods have %d different addresses", replicas, len(addresses))
	}

	victim := pods[0].Name
	if err := cp.SetPodReady(t.Context(), namespace, victim, false); err != nil {
		t.Fatal(err)
	}
	createDeployment(t, client, "later", 1)
	waitReady(t, client, "later", 1) // kwok has been at work since
	if ready := readyPods(t.Context(), t, client, "many"); len(ready) != replicas-1 {
		t.Errorf("%d Pods are ready after one was made unready, want %d", len(ready), replicas-1)
	}
	if err := cp.SetPodReady(t.Context(), namespace, victim, true); err != nil {
		t.Fatal(err)
	}
	waitReady(t, client, "many", replicas)
}

func TestStopLeavesNothing(t *testing.T) {
	cp, err := Start(t.Context(), Options{APIServerOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	pids := []int{cp.apiServer.Pid(), cp.store.Member(0).Pid()}
	if err := cp.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("process %d runs after Stop", pid)
		}
	}
	if _, err := os.Stat(cp.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary folder after Stop: %v", err)
	}
}

func TestStartExplainsFailure(t *testing.T) {
	_, err := Start(t.Context(), Options{Dir: t.TempDir(), APIServerOnly: true, APIServerArgs: []string{"--no-such-flag"}})
	if err == nil || !strings.Contains(err.Error(), "unknown flag: --no-such-flag") {
		t.Errorf("error %v does not hold the end of the log", err)
	}
}

func startTest(t *testing.T, opts Options) *ControlPlane {
	t.Helper()
	opts.Dir = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	start := time.Now()
	cp, err := Start(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %s", time.Since(start).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cp
}

func clientFor(t *testing.T, kubeconfig func() (string, error)) kubernetes.Interface {
	t.Helper()
	path, err := kubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	return kubernetes.NewForConfigOrDie(config)
}

func podSpec() corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example.com/main:v1"}}}
}

func createDeployment(t *testing.T, client kubernetes.Interface, name string, replicas int32) {
	t.Helper()
	labels := map[string]string{"app": name}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: podSpec()},
		},
	}
	if _, err := client.AppsV1().Deployments(namespace).Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// waitReady waits for n ready Pods of a Deployment and returns them.
func waitReady(t *testing.T, client kubernetes.Interface, name string, n int) []corev1.Pod {
	t.Helper()
	var ready []corev1.Pod
	eventually(t, "ready Pods of "+name, func(ctx context.Context) (bool, error) {
		ready = readyPods(ctx, t, client, name)
		return len(ready) == n, nil
	})
	return ready
}

func readyPods(ctx context.Context, t *testing.T, client kubernetes.Interface, name string) []corev1.Pod {
	t.Helper()
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
	if err != nil {
		t.Fatal(err)
	}
	var ready []corev1.Pod
	for _, pod := range pods.Items {
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				ready = append(ready, pod)
			}
		}
	}
	return ready
}

// eventually waits for a condition for at most a minute.
func eventually(t *testing.T, what string, condition wait.ConditionWithContextFunc) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, condition); err != nil {
		t.Fatalf("waiting for %s: %v", what, err)
	}
}
