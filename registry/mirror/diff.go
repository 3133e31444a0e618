package mirror

// verb is what must be done about one key. The order is the order of urgency: a removal
// takes traffic away from an instance that cannot serve.
type verb int

const (
	remove verb = iota
	add
	refresh // put a new value in place, or verify an uncertain one
	nothing
)

// op is one guarded operation on one key.
type op struct {
	verb  verb
	key   string
	value string
	slot  slot  // where a put goes; unassigned for a key that is new
	guard int64 // the ModRevision that the key must have; 0 = absent
	// verify marks an operation that only asks whether the guard holds: the last
	// transaction on this key may or may not have been applied.
	verify bool
	// cause is the change that made the key dirty; its zero value says that the change
	// came from elsewhere, such as a lost lease.
	cause change
}

// puts says whether the operation puts the key on a lease.
func (o op) puts() bool { return o.verb != remove && !o.verify }

// diff compares what is wanted at a key with what is known and says what to do.
func diff(key string, value string, wanted bool, k *known) op {
	e, exists := k.entries[key]
	_, unsure := k.unsure[key]
	o := op{verb: nothing, key: key, value: value, slot: unassigned}
	if exists {
		o.guard, o.slot = e.rev, e.slot
	}
	switch {
	case exists && e.slot == foreign:
		return o
	case wanted && !exists:
		o.verb = add
	case wanted && e.value != value:
		o.verb = refresh
	case !wanted && exists:
		o.verb = remove
	case unsure:
		o.verb, o.verify = refresh, true
	}
	return o
}
