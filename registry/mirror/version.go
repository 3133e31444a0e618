package mirror

import (
	"context"
	"errors"
	"fmt"

	"github.com/coreos/go-semver/semver"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// ErrUnsupported says that etcd is too old. Waiting does not mend it.
var ErrUnsupported = errors.New("unsupported version of etcd")

// Versions of etcd: the oldest line that is tested, and, in it, the first release in which
// a member that was cut off from its cluster no longer revokes leases that are alive
// (etcd-io/etcd#15247).
var (
	oldest = semver.New("3.5.0")
	sound  = semver.New("3.5.13")
)

// checkServer asks a member of etcd for its version.
func (m *Mirror) checkServer(ctx context.Context) error {
	ctx, cancel := m.request(ctx)
	defer cancel()
	status, err := pb.NewMaintenanceClient(m.client.ActiveConnection()).Status(ctx, &pb.StatusRequest{})
	if err != nil {
		return fmt.Errorf("reaching etcd: %w", withCause(ctx, rpctypes.Error(err)))
	}
	advice, err := supported(status.Version)
	if advice != "" {
		m.advise.Do(func() { m.cfg.Log.Warn("etcd should be upgraded", "version", status.Version, "reason", advice) })
	}
	return err
}

// supported says whether a version of etcd will do, with an advice if it should be newer.
func supported(version string) (advice string, err error) {
	v, err := semver.NewVersion(version)
	switch {
	case err != nil:
		return "it does not tell its version as others do", nil //nolint:nilerr // it may well work
	case v.LessThan(*oldest):
		return "", fmt.Errorf("%w: the server is etcd %s, want %s or newer", ErrUnsupported, version, sound)
	case v.LessThan(*sound):
		return fmt.Sprintf("before %s a member that was cut off may revoke leases that are alive", sound), nil
	}
	return "", nil
}
