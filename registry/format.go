package registry

import "github.com/causeway-io/causeway/registry/mirror"

// Record is one key that its owner wants in etcd.
type Record = mirror.Record

// Format is the wire format of one kind of consumer. Implementations are pure and safe
// for concurrent use.
type Format interface {
	// Name is what selects the format in flags.
	Name() string
	// Encode returns the records that publish an instance, in a fixed order. An error
	// means that this format cannot express the instance; trying again is of no use.
	Encode(Instance) ([]Record, error)
	// Decode is the inverse of Encode for one record that names an instance, for readers in
	// Go and for proving that nothing is lost.
	Decode(Record) (Instance, error)
}

// Owner is who wants records.
type Owner = mirror.Owner
