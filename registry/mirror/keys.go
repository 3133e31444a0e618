package mirror

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// A slot numbers the data leases of one cluster from 0. The ID of a slot's lease is
// computed, so that a successor finds the leases of its predecessor and renews them.
type slot int32

const (
	unassigned slot = -1 // no lease chosen yet
	foreign    slot = -2 // a key that is not on a lease of ours
)

// slotBits is the part of a lease ID that numbers the slot. Stable: a change would make
// every key written before foreign.
const slotBits = 24

// block is the range of lease IDs that belongs to one cluster ID: 39 bits of its hash,
// above slotBits of slot number. etcd wants positive 64-bit IDs, so the top bit is clear.
type block int64

// leaseBlock computes the block of a cluster ID. Stable, see slotBits.
func leaseBlock(clusterID string) block {
	sum := sha256.Sum256([]byte("causeway/" + clusterID))
	high := binary.BigEndian.Uint64(sum[:]) >> 1
	return block(high &^ (1<<slotBits - 1))
}

// lease returns the ID of a slot's lease.
func (b block) lease(s slot) clientv3.LeaseID {
	return clientv3.LeaseID(int64(b) | int64(s) + 1)
}

// slot returns the slot that a key on the given lease lies on, or foreign.
func (b block) slot(id int64) slot {
	low := id & (1<<slotBits - 1)
	if id&^(1<<slotBits-1) != int64(b) || low == 0 {
		return foreign
	}
	return slot(low - 1)
}

// layout names the bookkeeping keys of one cluster.
type layout struct {
	root     string // below it everything that belongs to the cluster
	identity string
	election string // prefix of the candidates, as concurrency.Election wants it
	leases   string // prefix of the lease keys
	barrier  string // never exists; deleting it orders a transaction among the writes
	blockOf  string // who the block belongs to
}

func newLayout(prefix, clusterID string, b block) layout {
	root := prefix + "/" + clusterID + "/"
	name := strconv.FormatInt(int64(b)>>slotBits, 16)
	return layout{
		root:     root,
		identity: root + "identity",
		election: root + "leader",
		leases:   root + "leases/",
		barrier:  root + "barrier",
		blockOf:  prefix + "/blocks/" + name,
	}
}

// leaseKey is the one bookkeeping key on a slot's lease.
func (l layout) leaseKey(id clientv3.LeaseID) string {
	return fmt.Sprintf("%s%016x", l.leases, int64(id))
}

// leaseOf is the inverse of leaseKey.
func (l layout) leaseOf(key string) (int64, bool) {
	hex, ok := strings.CutPrefix(key, l.leases)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(hex, 16, 64)
	return id, err == nil
}
