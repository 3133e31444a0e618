// Package etcdserver runs real etcd servers on loopback ports, for tests, demonstrations and
// benchmarks. It guarantees:
//
//  1. Healthy or an error. Start returns when every member serves, or else an error that
//     ends with what etcd had to say.
//  2. Fixed addresses. A member keeps its ports and its data over Kill and Restart, and the
//     cluster keeps its ports over Wipe.
//  3. No orphans. Close ends every member and waits; on Linux members also die with the
//     process that started them.
package etcdserver
