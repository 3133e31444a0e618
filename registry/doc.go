// Package registry is what the two banks of Causeway share: the [Instance] that is
// published, and the rules that make a name safe to become part of an etcd key.
//
// The wire formats, which turn an Instance into keys and values, are in registry/format;
// the engine that makes etcd equal to a desired table is in registry/mirror.
package registry
