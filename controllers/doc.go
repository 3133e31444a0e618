// Package controllers is the Kubernetes side of Causeway: it reads annotated Pods and says
// what each of them publishes. Where the records go is the business of the [Table] that it
// fills; it knows nothing of etcd.
//
// What it guarantees (numbers as in docs/design.md):
//
//  1. Mirror. A Pod wants records if and only if it is annotated and valid, has an address,
//     is neither terminating nor finished, and is ready or has opted into being published
//     before it is. The table learns of every change in that.
//  2. Prompt. An event of a Pod reaches the table through memory alone. Nothing that
//     talks to the network, such as writing an Event, stands in its way.
//  4. Fail-static. While the Kubernetes API is away the table keeps what it has, also when
//     the API is away from the start. [Table.MarkComplete] is called after a complete
//     listing of the Pods has reached the table, and never before.
//
// Besides, objects of the cache are shared and never changed, and a Pod that cannot be
// published gets one Warning Event that says why: because of what its owner wrote, or
// because a key cannot be written, which the [Conflicts] are told.
package controllers
