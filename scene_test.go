package main_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/causeway-io/causeway/controllers/podtest"
	"github.com/causeway-io/causeway/hack/controlplane"
	"github.com/causeway-io/causeway/hack/etcdserver"
	"github.com/causeway-io/causeway/internal/cli"
)

// patience bounds every wait; it is far longer than anything takes.
const patience = time.Minute

// shared is the control plane of the tests that leave it as it is; each of them has a
// namespace and a place in etcd of its own.
var shared struct {
	sync.Once
	plane *controlplane.ControlPlane
	err   error
}

// asProgram, set in the environment, makes the test binary the program itself, so that the
// tests run it in processes of its own and under the race detector.
const asProgram = "CAUSEWAY_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(cli.Main("test", os.Args[1:], os.Stdout, os.Stderr))
	}
	code := m.Run()
	if shared.plane != nil {
		if err := shared.plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the control plane:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func sharedPlane(t *testing.T) *controlplane.ControlPlane {
	t.Helper()
	shared.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		shared.plane, shared.err = controlplane.Start(ctx, planeOptions())
	})
	if shared.err != nil {
		t.Fatalf("starting the control plane: %v", shared.err)
	}
	return shared.plane
}

// startPlane starts a control plane for one test.
func startPlane(t *testing.T) *controlplane.ControlPlane {
	t.Helper()
	plane, err := controlplane.Start(t.Context(), planeOptions())
	if err != nil {
		t.Fatalf("starting the control plane: %v", err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Errorf("stopping the control plane: %v", err)
		}
	})
	return plane
}

func planeOptions() controlplane.Options {
	return controlplane.Options{APIServerOnly: true, Discovery: &etcdserver.Options{UnsafeNoFsync: true}}
}

// scene is one test's part of both banks: a namespace, a prefix in etcd, and the program
// between them.
type scene struct {
	t         *testing.T
	namespace string
	kube      kubernetes.Interface
	etcd      *etcdserver.Cluster
	client    *clientv3.Client
	args      []string

	stops  []func()
	fences int
}

func newScene(t *testing.T, plane *controlplane.ControlPlane, args ...string) *scene {
	t.Helper()
	config := plane.RESTConfig()
	config.QPS = -1
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	namespace, err := kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "scene-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("creating a namespace: %v", err)
	}
	s := &scene{t: t, namespace: namespace.Name, kube: kube, etcd: plane.Etcd()}
	s.args = append([]string{
		"controller", "--kubeconfig=" + plane.Kubeconfig(), "--etcd-endpoints=" + strings.Join(plane.Etcd().Endpoints(), ","),
		"--namespaces=" + s.namespace, "--cluster-id=" + s.namespace, "--json-prefix=" + s.prefix(), "--metrics-bind-address=0",
	}, args...)
	s.connect()
	return s
}

func (s *scene) prefix() string { return "/" + s.namespace }

// connect makes the scene look at its etcd.
func (s *scene) connect() {
	s.t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: s.etcd.Endpoints(), DialTimeout: patience, Logger: zap.NewNop()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = client.Close() })
	s.client = client
}

// start runs the program, one replica a call, and returns the address of its probes.
func (s *scene) start(args ...string) string {
	s.t.Helper()
	probes := free(s.t)
	args = append(append([]string{}, s.args...), append(args, "--health-probe-bind-address="+probes)...)
	var log bytes.Buffer
	program := command(context.WithoutCancel(s.t.Context()), args)
	program.Stderr = &log
	if err := program.Start(); err != nil {
		s.t.Fatalf("starting the program: %v", err)
	}
	stop := sync.OnceFunc(func() {
		_ = program.Process.Signal(syscall.SIGTERM)
		if err := program.Wait(); err != nil {
			s.t.Errorf("causeway %s: %v", strings.Join(args, " "), err)
		}
		if s.t.Failed() {
			s.t.Logf("log of the controller:\n%s", log.String())
		}
	})
	s.t.Cleanup(stop)
	s.stops = append(s.stops, stop)
	s.eventually(func() error { return answers(probes, "/healthz", http.StatusOK, "ok") }) // it now heeds signals
	return probes
}

// startReady starts a replica and waits until it does its part.
func (s *scene) startReady() {
	s.t.Helper()
	probes := s.start()
	s.eventually(func() error { return answers(probes, "/readyz", http.StatusOK, "ok") })
}

// stop ends all replicas.
func (s *scene) stop() {
	for _, stop := range s.stops {
		stop()
	}
	s.stops = nil
}

// apply creates or updates a Pod, its status included.
func (s *scene) apply(b *podtest.Builder) {
	s.t.Helper()
	want := b.Obj()
	want.Namespace, want.UID = s.namespace, ""
	pods := s.kube.CoreV1().Pods(s.namespace)
	pod, err := pods.Create(s.t.Context(), want, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		pod, err = pods.Get(s.t.Context(), want.Name, metav1.GetOptions{})
	}
	if err == nil {
		pod.Status = want.Status
		_, err = pods.UpdateStatus(s.t.Context(), pod, metav1.UpdateOptions{})
	}
	if err != nil {
		s.t.Fatalf("applying Pod %s: %v", want.Name, err)
	}
}

// annotate sets an annotation, below the prefix of podtest unless it has one; "" removes it.
func (s *scene) annotate(pod, name, value string) {
	s.t.Helper()
	if !strings.Contains(name, "/") {
		name = podtest.Prefix + name
	}
	quoted := fmt.Sprintf("%q", value)
	if value == "" {
		quoted = "null"
	}
	s.patch(pod, fmt.Sprintf(`{"metadata":{"annotations":{%q:%s}}}`, name, quoted))
}

// hold keeps a deleted Pod in the state of terminating, until release.
func (s *scene) hold(pod string) {
	s.t.Helper()
	s.patch(pod, `{"metadata":{"finalizers":["example.com/hold"]}}`)
}

func (s *scene) release(pod string) {
	s.t.Helper()
	s.patch(pod, `{"metadata":{"finalizers":null}}`)
}

func (s *scene) patch(pod, patch string) {
	s.t.Helper()
	_, err := s.kube.CoreV1().Pods(s.namespace).Patch(s.t.Context(), pod, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		s.t.Fatalf("patching Pod %s: %v", pod, err)
	}
}

func (s *scene) delete(pod string) {
	s.t.Helper()
	if err := s.kube.CoreV1().Pods(s.namespace).Delete(s.t.Context(), pod, metav1.DeleteOptions{}); err != nil {
		s.t.Fatalf("deleting Pod %s: %v", pod, err)
	}
}

// warnings lists the messages of the Warning Events about a Pod.
func (s *scene) warnings(pod string) []string {
	s.t.Helper()
	events, err := s.kube.CoreV1().Events(s.namespace).List(s.t.Context(), metav1.ListOptions{FieldSelector: "type=Warning,involvedObject.name=" + pod})
	if err != nil {
		s.t.Fatalf("listing Events: %v", err)
	}
	var messages []string
	for _, e := range events.Items {
		messages = append(messages, e.Message)
	}
	return messages
}

// fence publishes a Pod of a service of its own and waits for its key: what the program was
// to do about earlier changes it has then done.
func (s *scene) fence() {
	s.t.Helper()
	s.fences++
	name := fmt.Sprintf("fence-%d", s.fences)
	s.apply(podtest.New("", name).Annotate("service", "fence").Port("", 1).IP(fmt.Sprintf("10.255.0.%d", s.fences)).Ready())
	s.eventually(func() error {
		resp, err := s.client.Get(s.t.Context(), s.prefix()+"/fence/", clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err == nil && int(resp.Count) < s.fences {
			err = fmt.Errorf("key of %s not seen", name)
		}
		return err
	})
}

// holds waits until the keys below the prefix, but for those of fence, are exactly these.
func (s *scene) holds(want map[string]string) {
	s.t.Helper()
	s.eventually(func() error {
		resp, err := s.client.Get(s.t.Context(), s.prefix()+"/", clientv3.WithPrefix())
		if err != nil {
			return err
		}
		got := map[string]string{}
		for _, kv := range resp.Kvs {
			if key := strings.TrimPrefix(string(kv.Key), s.prefix()); !strings.HasPrefix(key, "/fence/") {
				got[key] = string(kv.Value)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("keys (-want +got):\n%s", diff)
		}
		return nil
	})
}

// revision is the revision of etcd now.
func (s *scene) revision() int64 {
	s.t.Helper()
	resp, err := s.client.Get(s.t.Context(), "/", clientv3.WithCountOnly())
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.Header.Revision
}

// events lists what happened below the prefix after a revision, but for the keys of fence.
func (s *scene) events(after int64) []string {
	s.t.Helper()
	end, err := s.client.Put(s.t.Context(), s.prefix()+"/fence/end", "")
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	var out []string
	for resp := range s.client.Watch(ctx, s.prefix()+"/", clientv3.WithPrefix(), clientv3.WithRev(after+1)) {
		for _, ev := range resp.Events {
			key := strings.TrimPrefix(string(ev.Kv.Key), s.prefix())
			if !strings.HasPrefix(key, "/fence/") {
				out = append(out, ev.Type.String()+" "+key)
			}
			if ev.Kv.ModRevision == end.Header.Revision {
				return out
			}
		}
	}
	s.t.Fatal("the watch ended early")
	return nil
}

// renewed waits until the lease of the keys has been renewed this often.
func (s *scene) renewed(times int) {
	s.t.Helper()
	resp, err := s.client.Get(s.t.Context(), s.prefix()+"/user/", clientv3.WithPrefix())
	if err != nil || len(resp.Kvs) == 0 {
		s.t.Fatalf("reading a key: %v, error %v", resp, err)
	}
	last := int64(-1)
	s.eventually(func() error {
		lease, err := s.client.TimeToLive(s.t.Context(), clientv3.LeaseID(resp.Kvs[0].Lease))
		switch {
		case err != nil:
			return err
		case lease.TTL < 0:
			s.t.Fatal("the lease has run out")
		case lease.TTL > last && last >= 0:
			times--
		}
		last = lease.TTL
		if times > 0 {
			return fmt.Errorf("%d renewals still to come", times)
		}
		return nil
	})
}

func (s *scene) eventually(ok func() error) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("still not so after %v: %v", patience, err)
		}
		<-tick.C
	}
}

// answers asks for /healthz or /readyz.
func answers(address, path string, status int, body string) error {
	resp, err := http.Get("http://" + address + path)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != status || !strings.Contains(string(got), body)) {
		err = fmt.Errorf("%s answers %d %q", path, resp.StatusCode, got)
	}
	return err
}

// scrape returns the values of a page of metrics, by name and labels.
func scrape(url string) (map[string]float64, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	metrics := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok && name != "#" {
			metrics[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	return metrics, lines.Err()
}

// free returns a loopback address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// taken returns a loopback address that somebody listens on.
func taken(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// deadKubeconfig returns a kubeconfig of a cluster that nobody runs.
func deadKubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	config := `{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
"clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1"}}],"users":[{"name":"u","user":{}}]}`
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// runToEnd runs the program until it ends by itself.
func runToEnd(t *testing.T, args []string) (code int, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out bytes.Buffer
	program := command(ctx, args)
	program.Stderr = &out
	if err := program.Run(); err != nil && program.ProcessState == nil {
		t.Fatalf("running the program: %v", err)
	}
	return program.ProcessState.ExitCode(), out.String()
}

// command is the program, in a process that ends with the test.
func command(ctx context.Context, args []string) *exec.Cmd {
	program := exec.CommandContext(ctx, os.Args[0], args...)
	program.Env = append(os.Environ(), asProgram+"=1")
	return program
}
