// Package netfault is a TCP proxy that plays a bad network, for tests. A [Proxy] stands in
// front of one server. It guarantees:
//
//  1. Faithful. Nothing is lost, invented or reordered on a connection that lives. What a
//     blackhole swallowed arrives after [Proxy.Heal], late, as on a real network.
//  2. At once. A change of the network holds for existing and for new connections.
//  3. Clean. Close ends every connection and every goroutine.
package netfault
