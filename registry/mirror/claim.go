package mirror

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// ErrClaimed says that the cluster ID belongs to somebody else. Waiting does not mend it.
var ErrClaimed = errors.New("cluster ID already in use")

// claim makes sure that the cluster ID and its block of lease IDs are this mirror's, and
// takes them if they are free. Both keys stay for ever: a cluster that comes back after a
// long outage is still the same one.
func (m *Mirror) claim(ctx context.Context) error {
	if err := m.claimKey(ctx, m.lay.blockOf, m.cfg.ClusterID, "the block of lease IDs computed from cluster ID %[1]q belongs to cluster ID %[2]q: choose another cluster ID"); err != nil {
		return err
	}
	if m.cfg.Identity == "" {
		return nil
	}
	return m.claimKey(ctx, m.lay.identity, m.cfg.Identity, "cluster ID %[1]q belongs to the cluster with UID %[2]s, and this one has UID %[3]s: give each cluster its own cluster ID, or delete the key %[4]q if that cluster is gone for good")
}

func (m *Mirror) claimKey(ctx context.Context, key, value, conflict string) error {
	ctx, cancel := m.request(ctx)
	defer cancel()
	resp, err := m.client.Get(ctx, key)
	if err == nil && len(resp.Kvs) == 0 {
		var txn *clientv3.TxnResponse
		txn, err = m.client.Txn(ctx).
			If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, value)).
			Else(clientv3.OpGet(key)).
			Commit()
		if err == nil && txn.Succeeded {
			return nil
		}
		if err == nil {
			resp = (*clientv3.GetResponse)(txn.Responses[0].GetResponseRange())
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("claiming %q: %w", key, withCause(ctx, err))
	case len(resp.Kvs) == 1 && string(resp.Kvs[0].Value) != value:
		return fmt.Errorf("%w: "+conflict, ErrClaimed, m.cfg.ClusterID, resp.Kvs[0].Value, value, key)
	}
	return nil
}

// withCause replaces the bare deadline error of a bounded request by what it means.
func withCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}
