package mirror

// entry is what etcd is believed to hold at one key.
type entry struct {
	value string
	rev   int64 // ModRevision
	slot  slot  // the lease slot it lies on, or foreign
}

// known is what etcd is believed to hold at the keys that matter to this term: those on
// our leases, and those that somebody else holds where ours should go. The belief is
// never trusted by a write: each is guarded by the revision in it.
type known struct {
	entries map[string]entry
	perSlot map[slot]int
	foreign int
	// unsure holds the keys of transactions whose outcome is not known: they are asked
	// about even when nothing seems to be left to do.
	unsure map[string]struct{}
}

func newKnown() *known {
	return &known{entries: map[string]entry{}, perSlot: map[slot]int{}, unsure: map[string]struct{}{}}
}

// learn records the truth about a key.
func (k *known) learn(key string, e entry) {
	k.forget(key)
	k.entries[key] = e
	if e.slot == foreign {
		k.foreign++
	} else {
		k.perSlot[e.slot]++
	}
}

// forget records that the key does not exist, or does not matter any longer.
func (k *known) forget(key string) {
	delete(k.unsure, key)
	e, ok := k.entries[key]
	if !ok {
		return
	}
	delete(k.entries, key)
	if e.slot == foreign {
		k.foreign--
	} else {
		k.perSlot[e.slot]--
	}
}

// owned counts the keys on our leases.
func (k *known) owned() int { return len(k.entries) - k.foreign }
