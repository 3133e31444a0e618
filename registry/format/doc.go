// Package format holds the wire formats: how an instance becomes etcd keys and values for
// one kind of consumer, and back. Each format is one file, names the source that it
// follows, and is stable: a change of what it writes would touch every key of every user.
package format
