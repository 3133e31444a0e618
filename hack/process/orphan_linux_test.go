package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// parentVariable makes the test binary a parent that starts a child and then waits forever.
const parentVariable = "CAUSEWAY_TEST_PARENT_LOG"

func TestMain(m *testing.M) {
	if log := os.Getenv(parentVariable); log != "" {
		p, err := Start(Command{Path: "/bin/sleep", Args: []string{"1000"}, Log: log})
		if err != nil {
			panic(err)
		}
		if err := os.WriteFile(log+".pid", []byte(strconv.Itoa(p.Pid())+"\n"), 0o600); err != nil {
			panic(err)
		}
		<-p.Done()
		return
	}
	os.Exit(m.Run())
}

// TestChildDiesWithParent shows promise 1: SIGKILL gives the parent no chance to clean up.
func TestChildDiesWithParent(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"="+log)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	waitFor(t, "the child", func() bool {
		content, err := os.ReadFile(log + ".pid")
		if err != nil || !strings.HasSuffix(string(content), "\n") {
			return false
		}
		child, err = strconv.Atoi(strings.TrimSpace(string(content)))
		return err == nil
	})
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Fatal("the parent ended by itself")
	}
	waitFor(t, "the death of the child", func() bool { return !executing(child) })
}

// executing says whether a process exists and is no zombie; whoever adopts an orphan may be
// slow to bury it.
func executing(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return syscall.Kill(pid, 0) == nil
	}
	_, fields, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(fields, "Z")
}
