package etcdserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOneMemberKeepsDataOverKill(t *testing.T) {
	cluster := StartTest(t, Options{})
	client := connect(t, cluster)
	put(t, client, "key", "value")
	before := cluster.Endpoints()

	member := cluster.Member(0)
	pid := member.Pid()
	if err := member.Kill(); err != nil {
		t.Fatal(err)
	}
	if running(pid) {
		t.Fatalf("process %d runs after Kill", pid)
	}
	if err := member.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, client, "key"); got != "value" {
		t.Errorf("after a restart the key holds %q, want %q", got, "value")
	}
	if got := cluster.Endpoints(); !slices.Equal(got, before) {
		t.Errorf("after a restart the endpoints are %q, want %q", got, before)
	}
}

func TestWipeLosesEverything(t *testing.T) {
	cluster := StartTest(t, Options{UnsafeNoFsync: true})
	client := connect(t, cluster)
	put(t, client, "key", "value")
	if err := cluster.Wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, client, "key"); got != "" {
		t.Errorf("after Wipe the key holds %q", got)
	}
}

func TestThreeMembersSurviveOne(t *testing.T) {
	cluster := StartTest(t, Options{Members: 3, UnsafeNoFsync: true})
	if got := len(cluster.Endpoints()); got != 3 {
		t.Fatalf("%d endpoints, want 3", got)
	}
	client := connect(t, cluster)
	if err := cluster.Member(0).Kill(); err != nil {
		t.Fatal(err)
	}
	put(t, client, "key", "value")
	if err := cluster.Member(0).Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cluster.WaitHealthy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, client, "key"); got != "value" {
		t.Errorf("the key holds %q, want %q", got, "value")
	}
}

func TestStoppedMemberDoesNotAnswer(t *testing.T) {
	cluster := StartTest(t, Options{UnsafeNoFsync: true})
	member := cluster.Member(0)
	if err := member.Stop(); err != nil {
		t.Fatal(err)
	}
	// The signal has been sent, and takes a moment to reach all threads of the member.
	for deadline := time.Now().Add(time.Minute); answers(t, member); {
		if time.Now().After(deadline) {
			t.Fatal("a stopped member still answers")
		}
	}
	if err := member.Cont(); err != nil {
		t.Fatal(err)
	}
	if err := member.WaitHealthy(t.Context()); err != nil {
		t.Errorf("after Cont: %v", err)
	}
}

func TestTunablesReachTheServer(t *testing.T) {
	cluster := StartTest(t, Options{MaxTxnOps: 2, UnsafeNoFsync: true})
	client := connect(t, cluster)
	_, err := client.Txn(t.Context()).
		Then(clientv3.OpPut("a", ""), clientv3.OpPut("b", ""), clientv3.OpPut("c", "")).Commit()
	if err == nil || !strings.Contains(err.Error(), "too many operations") {
		t.Errorf("three operations in a transaction gave %v, want too many operations", err)
	}
}

func TestStartExplainsFailure(t *testing.T) {
	_, err := Start(t.Context(), Options{Dir: t.TempDir(), ExtraArgs: []string{"--auth-token=no-such-token"}})
	if err == nil || !strings.Contains(err.Error(), "no-such-token") {
		t.Errorf("error %v does not hold the end of the log", err)
	}
}

func TestStartNeedsBinary(t *testing.T) {
	_, err := Start(t.Context(), Options{Dir: t.TempDir(), Binary: filepath.Join(t.TempDir(), "etcd")})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want %v", err, os.ErrNotExist)
	}
}

func TestCloseRemovesOnlyItsOwnFolder(t *testing.T) {
	for name, dir := range map[string]string{"temporary": "", "given": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cluster, err := Start(ctx, Options{Dir: dir, UnsafeNoFsync: true})
			if err != nil {
				t.Fatal(err)
			}
			pid := cluster.Member(0).Pid()
			if err := cluster.Close(); err != nil {
				t.Fatal(err)
			}
			if running(pid) {
				t.Errorf("process %d runs after Close", pid)
			}
			_, err = os.Stat(cluster.Dir())
			if removed := errors.Is(err, os.ErrNotExist); removed != (dir == "") {
				t.Errorf("folder removed: %t", removed)
			}
		})
	}
}

func connect(t *testing.T, cluster *Cluster) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: cluster.Endpoints(), DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// answers says whether a member answers within a fifth of a second.
func answers(t *testing.T, member *Member) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := member.WaitHealthy(ctx)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("waiting for a stopped member gave %v, want a timeout", err)
	}
	return err == nil
}

// put writes a key into a cluster that may have lost its leader: until another one
// is elected, which takes a second or so, etcd answers that it has none or that the request
// timed out because of that.
func put(t *testing.T, client *clientv3.Client, key, value string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := client.Put(ctx, key, value)
		if err == nil {
			return
		}
		unavailable := rpctypes.EtcdError{}
		if !errors.As(err, &unavailable) || unavailable.Code() != codes.Unavailable {
			t.Fatalf("putting %q: %v", key, err)
		}
	}
}

func get(t *testing.T, client *clientv3.Client, key string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	resp, err := client.Get(ctx, key)
	if err != nil {
		t.Fatalf("getting %q: %v", key, err)
	}
	if len(resp.Kvs) == 0 {
		return ""
	}
	return string(resp.Kvs[0].Value)
}

// running says whether a process of this id exists.
func running(pid int) bool { return syscall.Kill(pid, 0) == nil }
