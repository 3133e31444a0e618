// The whole program against a real kube-apiserver and a real etcd: Pods in, keys out.
package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-io/causeway/controllers/podtest"
	"github.com/causeway-io/causeway/hack/etcdserver"
)

// value is what the json format writes for an instance that sets nothing.
func value(service, host string, port int) string {
	return fmt.Sprintf(`{"name":%q,"host":%q,"port":%d,"version":"","weight":1,"metadata":{}}`, service, host, port)
}

// userPod is a ready Pod of service user at the address, port 8080.
func userPod(name, address string) *podtest.Builder {
	return podtest.New("", name).Annotate("service", "user").Port("http", 8080).IP(address).Ready()
}

// Promise 1: a key exists if and only if a published Pod wants it.
func TestPublishedPods(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pod  *podtest.Builder
		want map[string]string
	}{
		"ready": {
			pod:  userPod("a", "10.1.0.1"),
			want: map[string]string{"/user/10.1.0.1:8080": value("user", "10.1.0.1", 8080)},
		},
		"everything": {
			pod: userPod("a", "10.1.0.1").Port("grpc", 9000).Topology("r1", "z1").Annotate("port", "grpc").
				Annotate("version", "v2").Annotate("weight", "7").Annotate("metadata", `{"team":"a","b":"<c>"}`),
			want: map[string]string{"/user/10.1.0.1:9000": `{"name":"user","host":"10.1.0.1","port":9000,"version":"v2","weight":7,"metadata":{"b":"<c>","team":"a"},"zone":"z1","region":"r1"}`},
		},
		"IPv6": {
			pod:  userPod("a", "fd00:0::1"),
			want: map[string]string{"/user/[fd00::1]:8080": value("user", "fd00::1", 8080)},
		},
		"dual stack, IPv6 first": {
			pod:  userPod("a", "fd00::1").IP("fd00::1", "10.1.0.1"),
			want: map[string]string{"/user/[fd00::1]:8080": value("user", "fd00::1", 8080)},
		},
		"port by number, not declared": {
			pod:  userPod("a", "10.1.0.1").Annotate("port", "7000"),
			want: map[string]string{"/user/10.1.0.1:7000": value("user", "10.1.0.1", 7000)},
		},
		"host network": {
			pod:  userPod("a", "10.1.0.1").HostNetwork("192.168.7.1").Ready(),
			want: map[string]string{"/user/192.168.7.1:8080": value("user", "192.168.7.1", 8080)},
		},
		"not ready, published all the same": {
			pod:  userPod("a", "10.1.0.1").NotReady().Annotate("publish-not-ready", "true"),
			want: map[string]string{"/user/10.1.0.1:8080": value("user", "10.1.0.1", 8080)},
		},
		"not ready":       {pod: userPod("a", "10.1.0.1").NotReady()},
		"not annotated":   {pod: podtest.New("", "a").Port("http", 8080).IP("10.1.0.1").Ready()},
		"no address":      {pod: podtest.New("", "a").Annotate("service", "user").Annotate("publish-not-ready", "true").Port("http", 8080)},
		"succeeded":       {pod: userPod("a", "10.1.0.1").Phase(corev1.PodSucceeded)},
		"failed":          {pod: userPod("a", "10.1.0.1").Phase(corev1.PodFailed).Annotate("publish-not-ready", "true")},
		"invalid weight":  {pod: userPod("a", "10.1.0.1").Annotate("weight", "heavy")},
		"ambiguous port":  {pod: userPod("a", "10.1.0.1").Port("grpc", 9000)},
		"escaping a name": {pod: userPod("a", "10.1.0.1").Annotate("service", "../causeway")},
	}
	plane := sharedPlane(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, plane)
			s.apply(tt.pod)
			s.start()
			s.fence() // whatever was to come has come
			want := tt.want
			if want == nil {
				want = map[string]string{}
			}
			s.holds(want)
		})
	}
}

// Promise 2: a Pod that cannot serve is gone at once; the lease has nothing to do with it.
func TestPodThatStopsServing(t *testing.T) {
	t.Parallel()
	plane := sharedPlane(t)
	changes := map[string]func(s *scene, pod *podtest.Builder){
		"unready":     func(s *scene, pod *podtest.Builder) { s.apply(pod.NotReady()) },
		"failed":      func(s *scene, pod *podtest.Builder) { s.apply(pod.Phase(corev1.PodFailed)) },
		"deleted":     func(s *scene, _ *podtest.Builder) { s.delete("a") },
		"terminating": func(s *scene, _ *podtest.Builder) { s.hold("a"); s.delete("a") },
		"opted out":   func(s *scene, _ *podtest.Builder) { s.annotate("a", "service", "") },
		"invalid now": func(s *scene, _ *podtest.Builder) { s.annotate("a", "port", "no such port") },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, plane, "--ttl=1h", "--resync=1h")
			pod := userPod("a", "10.1.0.1")
			s.apply(pod)
			s.start()
			s.holds(map[string]string{"/user/10.1.0.1:8080": value("user", "10.1.0.1", 8080)})
			change(s, pod)
			s.holds(map[string]string{})
		})
	}
}

// Promise 3: a changed attribute is one put in place; a restart writes nothing.
func TestQuiet(t *testing.T) {
	t.Parallel()
	s := newScene(t, sharedPlane(t))
	want := map[string]string{}
	for i := range 5 {
		address := fmt.Sprintf("10.1.0.%d", i)
		s.apply(userPod(fmt.Sprintf("pod-%d", i), address))
		want["/user/"+address+":8080"] = value("user", address, 8080)
	}
	s.start()
	s.holds(want)

	since := s.revision()
	s.annotate("pod-0", "version", "v2")
	s.annotate("pod-0", "example.com/other", "x")
	want["/user/10.1.0.0:8080"] = strings.Replace(want["/user/10.1.0.0:8080"], `"version":""`, `"version":"v2"`, 1)
	s.holds(want)
	s.stop()
	s.start()
	s.fence()
	if diff := cmp.Diff([]string{"PUT /user/10.1.0.0:8080"}, s.events(since)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A Pod that takes over the address of one that still terminates keeps it.
func TestReusedAddress(t *testing.T) {
	t.Parallel()
	s := newScene(t, sharedPlane(t))
	s.apply(userPod("old", "10.1.0.1"))
	s.start()
	s.holds(map[string]string{"/user/10.1.0.1:8080": value("user", "10.1.0.1", 8080)})
	s.hold("old")
	s.delete("old")
	s.holds(map[string]string{})
	s.apply(userPod("new", "10.1.0.1").Annotate("version", "v2"))
	want := map[string]string{"/user/10.1.0.1:8080": strings.Replace(value("user", "10.1.0.1", 8080), `"version":""`, `"version":"v2"`, 1)}
	s.holds(want)
	since := s.revision()
	s.release("old")
	s.fence()
	s.holds(want)
	if events := s.events(since); len(events) != 0 {
		t.Errorf("events %q when the old Pod went, want none", events)
	}
}

// An invalid Pod is told so in one Event, by however many replicas, and is published once
// it is mended.
func TestInvalidPodIsMended(t *testing.T) {
	t.Parallel()
	s := newScene(t, sharedPlane(t))
	s.apply(userPod("a", "10.1.0.1").Annotate("port", "web"))
	s.startReady()
	s.startReady()
	s.eventually(func() error {
		if got := s.warnings("a"); len(got) != 1 || !strings.Contains(got[0], `"web"`) || !strings.Contains(got[0], `"http"`) {
			return fmt.Errorf("warnings %q, want one that names the wrong and the right port", got)
		}
		return nil
	})
	s.fence()
	s.holds(map[string]string{})
	s.annotate("a", "port", "http")
	s.holds(map[string]string{"/user/10.1.0.1:8080": value("user", "10.1.0.1", 8080)})
	if got := s.warnings("a"); len(got) != 1 {
		t.Errorf("warnings %q, want one", got)
	}
}

// Promise 6: a key that somebody else wrote is left alone, and the owner of the Pod is told
// once, by however many replicas. When the key goes, ours takes its place.
func TestForeignKey(t *testing.T) {
	t.Parallel()
	s := newScene(t, sharedPlane(t), "--resync=1s")
	const key = "/user/10.1.0.1:8080"
	if _, err := s.client.Put(t.Context(), s.prefix()+key, "foreign"); err != nil {
		t.Fatal(err)
	}
	since := s.revision()
	s.apply(userPod("a", "10.1.0.1"))
	s.startReady()
	s.startReady()
	s.eventually(func() error {
		if got := s.warnings("a"); len(got) != 1 || !strings.Contains(got[0], s.prefix()+key) {
			return fmt.Errorf("warnings %q, want one that names the key", got)
		}
		return nil
	})
	s.stops[0]() // the other one takes over, and finds the same
	s.fence()
	if events := s.events(since); len(events) != 0 {
		t.Errorf("events %q while the key was somebody else's, want none", events)
	}
	if _, err := s.client.Delete(t.Context(), s.prefix()+key); err != nil {
		t.Fatal(err)
	}
	s.holds(map[string]string{key: value("user", "10.1.0.1", 8080)})
	if got := s.warnings("a"); len(got) != 1 {
		t.Errorf("warnings %q, want one", got)
	}
}

// With --on-conflict=overwrite somebody else's key is taken, and there is nothing to tell.
func TestForeignKeyIsOverwritten(t *testing.T) {
	t.Parallel()
	s := newScene(t, sharedPlane(t), "--on-conflict=overwrite")
	const key = "/user/10.1.0.1:8080"
	if _, err := s.client.Put(t.Context(), s.prefix()+key, "foreign"); err != nil {
		t.Fatal(err)
	}
	s.apply(userPod("a", "10.1.0.1"))
	s.start()
	s.holds(map[string]string{key: value("user", "10.1.0.1", 8080)})
	s.stop()
	if got := s.warnings("a"); len(got) != 0 {
		t.Errorf("warnings %q, want none", got)
	}
}

// What the program measures of both banks is served.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newScene(t, sharedPlane(t))
	address := free(t)
	s.start("--metrics-bind-address=" + address)
	started := time.Now()
	s.fence() // it leads, so the next change is timed
	s.apply(userPod("a", "10.1.0.1").ReadySince(time.Now()))
	s.eventually(func() error {
		metrics, err := scrape("http://" + address + "/metrics")
		if err != nil {
			return err
		}
		heard := metrics["causeway_kubernetes_last_heard_timestamp_seconds"]
		if heard < float64(started.Unix()) || heard > float64(time.Now().Unix()+1) {
			return fmt.Errorf("Kubernetes was last heard at %v, want a time after %v", heard, started.Unix())
		}
		for name, want := range map[string]float64{
			"causeway_leader": 1, "causeway_keys_owned": 2, "causeway_keys_conflicting": 0,
			`causeway_operations_total{kind="put"}`: 2, "causeway_pod_ready_to_commit_seconds_count": 1,
		} {
			if got, ok := metrics[name]; !ok || got != want {
				return fmt.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		return nil
	})
}

// What is not selected is not published, and namespaces are kept apart.
func TestSelection(t *testing.T) {
	t.Parallel()
	plane := sharedPlane(t)
	other := newScene(t, plane)
	other.apply(userPod("elsewhere", "10.1.0.9").Label("bridge", "yes"))
	s := newScene(t, plane, "--pod-selector=bridge=yes", "--annotation-prefix=example.org")
	s.args = append(s.args, "--namespaces="+s.namespace+","+newScene(t, plane).namespace)
	s.apply(userPod("unlabelled", "10.1.0.1"))
	labelled := userPod("labelled", "10.1.0.2").Label("bridge", "yes")
	s.apply(labelled)
	s.annotate("unlabelled", "example.org/service", "user")
	s.annotate("labelled", "example.org/service", "other")
	s.start()
	s.holds(map[string]string{"/other/10.1.0.2:8080": value("other", "10.1.0.2", 8080)})
}

// Promise 4: while Kubernetes is away, nothing is deregistered, also when the controller
// starts meanwhile; afterwards everything goes on.
func TestKubernetesOutage(t *testing.T) {
	t.Parallel()
	plane := startPlane(t)
	s := newScene(t, plane, "--ttl=12s", "--election-ttl=2s", "--etcd-keepalive-timeout=1s")
	s.apply(userPod("a", "10.1.0.1"))
	s.start()
	want := map[string]string{"/user/10.1.0.1:8080": value("user", "10.1.0.1", 8080)}
	s.holds(want)
	since := s.revision()
	if err := plane.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	s.stop()
	s.start()
	s.renewed(3) // leases outlive their TTL
	if events := s.events(since); len(events) != 0 {
		t.Errorf("events %q during the outage, want none", events)
	}
	if err := plane.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.apply(userPod("b", "10.1.0.2"))
	want["/user/10.1.0.2:8080"] = value("user", "10.1.0.2", 8080)
	s.holds(want)
	if diff := cmp.Diff([]string{"PUT /user/10.1.0.2:8080"}, s.events(since)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// An etcd that is away at the start is waited for, and /readyz says so.
func TestEtcdAwayAtStart(t *testing.T) {
	t.Parallel()
	plane := sharedPlane(t)
	s := newScene(t, plane)
	s.apply(userPod("a", "10.1.0.1"))
	etcd := etcdserver.StartTest(t, etcdserver.Options{UnsafeNoFsync: true})
	if err := etcd.Member(0).Kill(); err != nil {
		t.Fatal(err)
	}
	s.etcd = etcd
	s.args = slices.DeleteFunc(s.args, func(arg string) bool { return strings.HasPrefix(arg, "--etcd-endpoints=") })
	probes := s.start("--etcd-endpoints=" + strings.Join(etcd.Endpoints(), ","))
	s.eventually(func() error { return answers(probes, "/readyz", http.StatusServiceUnavailable, "etcd") })
	if err := etcd.Member(0).Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() error { return answers(probes, "/readyz", http.StatusOK, "ok") })
	s.connect()
	s.holds(map[string]string{"/user/10.1.0.1:8080": value("user", "10.1.0.1", 8080)})
}

// What cannot work ends with one line that says why.
func TestMistakesAreExplained(t *testing.T) {
	t.Parallel()
	plane := sharedPlane(t)
	endpoints := "--etcd-endpoints=" + strings.Join(plane.Etcd().Endpoints(), ",")
	tests := map[string]struct {
		args []string
		code int
		want []string
	}{
		"unknown flag":         {[]string{"--nope"}, 2, []string{"--nope"}},
		"no kubeconfig":        {[]string{"--kubeconfig=/no/such/file", endpoints}, 2, []string{"--kubeconfig", "/no/such/file"}},
		"several at once":      {[]string{"--ttl=5s", "--on-conflict=fight", "--pod-selector=a in"}, 2, []string{"TTL", "--on-conflict", "report, overwrite", "--pod-selector"}},
		"half a certificate":   {[]string{"--etcd-certfile=x", "--etcd-endpoints=https://127.0.0.1:1"}, 2, []string{"--etcd-keyfile"}},
		"no CA file":           {[]string{"--kubeconfig=" + plane.Kubeconfig(), "--etcd-cafile=/no/ca", "--etcd-endpoints=https://127.0.0.1:1"}, 2, []string{"/no/ca"}},
		"unknown format":       {[]string{"--format=xml"}, 2, []string{"--format", "xml", "json"}},
		"kubernetes is absent": {[]string{"--kubeconfig=" + deadKubeconfig(t), endpoints}, 1, []string{"kube-apiserver", "127.0.0.1:1"}},
		"port is taken":        {[]string{"--kubeconfig=" + plane.Kubeconfig(), endpoints, "--health-probe-bind-address=" + taken(t)}, 1, []string{"probes", "address already in use"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"controller", "--metrics-bind-address=0", "--health-probe-bind-address=0", "--log-level=error"}, tt.args...)
			code, stderr := runToEnd(t, args)
			if code != tt.code || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d and %q, want %d and one line", code, stderr, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q does not mention %q", stderr, want)
				}
			}
		})
	}
}
