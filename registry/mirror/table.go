package mirror

import (
	"cmp"
	"slices"
	"time"
)

// table is what the owners want: the desired state, without I/O and without a lock of
// its own.
type table struct {
	owners map[string]ownerEntry
	claims map[string][]claim // by key; the first one wins
}

type ownerEntry struct {
	born    time.Time
	records []Record
}

// claim is one owner's wish for a key.
type claim struct {
	owner string
	born  time.Time
	value string
}

func newTable() *table {
	return &table{owners: map[string]ownerEntry{}, claims: map[string][]claim{}}
}

// want returns the value that the key should have, and whether it should exist.
func (t *table) want(key string) (string, bool) {
	claims := t.claims[key]
	if len(claims) == 0 {
		return "", false
	}
	return claims[0].value, true
}

// winner returns the owner whose value the key should have, or "".
func (t *table) winner(key string) string {
	if claims := t.claims[key]; len(claims) > 0 {
		return claims[0].owner
	}
	return ""
}

// set replaces what the owner wants and returns the keys whose desired value changed,
// sorted. Of several records for one key the last one counts.
func (t *table) set(owner Owner, records []Record) []string {
	before := t.owners[owner.Name]
	if before.born.Equal(owner.Born) && slices.Equal(before.records, records) {
		return nil
	}
	touched := map[string]string{} // key → the value to claim
	for _, r := range records {
		touched[r.Key] = r.Value
	}
	var changed []string
	for _, r := range before.records {
		if _, kept := touched[r.Key]; !kept && t.unclaim(r.Key, owner.Name) {
			changed = append(changed, r.Key)
		}
	}
	for key, value := range touched {
		if t.claim(key, claim{owner: owner.Name, born: owner.Born, value: value}) {
			changed = append(changed, key)
		}
	}
	if len(records) == 0 {
		delete(t.owners, owner.Name)
	} else {
		t.owners[owner.Name] = ownerEntry{born: owner.Born, records: slices.Clone(records)}
	}
	slices.Sort(changed)
	return slices.Compact(changed)
}

// claim adds or replaces one owner's wish and reports whether the desired value changed.
func (t *table) claim(key string, c claim) bool {
	before, existed := t.want(key)
	claims := slices.DeleteFunc(t.claims[key], func(o claim) bool { return o.owner == c.owner })
	at, _ := slices.BinarySearchFunc(claims, c, newestFirst)
	t.claims[key] = slices.Insert(claims, at, c)
	after, _ := t.want(key)
	return !existed || before != after
}

// unclaim removes one owner's wish and reports whether the desired value changed. It is
// a no-op for an owner that does not claim the key, so that the loser of a key which two
// owners want never removes it.
func (t *table) unclaim(key, owner string) bool {
	before, existed := t.want(key)
	claims := slices.DeleteFunc(t.claims[key], func(o claim) bool { return o.owner == owner })
	if len(claims) == 0 {
		delete(t.claims, key)
	} else {
		t.claims[key] = claims
	}
	after, exists := t.want(key)
	return existed != exists || before != after
}

func newestFirst(a, b claim) int {
	return cmp.Or(b.born.Compare(a.born), cmp.Compare(b.owner, a.owner))
}
