package mirror

import "time"

// Record is one key that an owner wants in etcd, and its value.
type Record struct {
	Key   string
	Value string
}

// Owner is who wants records; for the controller, a Pod.
type Owner struct {
	// Name identifies the owner: whatever it wanted before is replaced.
	Name string
	// Born settles who wins when two owners want one key: the one born last, and of two
	// born at once the one whose name sorts last.
	Born time.Time
	// Since is when the owner's wish came to be, such as the moment the Pod turned ready;
	// it is only measured against the time of the commit. Zero means not known.
	Since time.Time
}
