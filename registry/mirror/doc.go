// Package mirror makes etcd equal to a table of desired keys, under fenced leases.
//
// Owners say what they want with [Mirror.Set] and [Mirror.Delete], which touch memory
// only; [Mirror.MarkComplete] says that the table now holds everything. [Mirror.Run] does
// the rest: until then it only keeps alive what is in etcd; then it stands for election,
// adopts what an earlier leader left, commits the difference in transactions, renews the
// leases, and reads back what it owns.
//
// What it guarantees (numbers as in docs/design.md):
//
//  1. Mirror. After quiet, a key exists if and only if an owner wants it.
//  2. Prompt. What nobody wants any longer is deleted at once and before anything is
//     added; a lease is only the backstop for a dead writer.
//  3. Quiet. A restart or a change of leader writes nothing. A changed value is one put;
//     an unchanged one is none.
//  4. Fail-static. Before MarkComplete no key of a consumer is written or deleted, and what
//     is in etcd is kept alive.
//  5. One writer. Every transaction that changes a key compares the election key with the
//     one that this term won, so a paused or deposed leader cannot write.
//  6. Only ours. A key is ours if its lease lies in the block of lease IDs computed from
//     the cluster ID. Every operation is guarded by the revision last seen, so a key that
//     somebody else wrote is found, reported and left alone.
//  7. Self-healing. Whatever happens to keys, leases, members or connections, it converges
//     again without a restart.
//  8. Bounded. Writes grow with the changes and renewals with the leases, one for about
//     [Config.KeysPerLease] keys; reads for the periodic read-back grow with the keys.
//
// Bookkeeping lies below [Config.Prefix] and the cluster ID, never among the keys that
// consumers read:
//
//	/causeway/<cluster>/identity       who holds the cluster ID, see [Config.Identity]
//	/causeway/<cluster>/leader/…       the candidates of the election, the first one leads
//	/causeway/<cluster>/leases/<id>    one key on each data lease: it says which leases
//	                                   there are, and its end says that a lease is gone
//	/causeway/blocks/<block>           which cluster ID a block of lease IDs belongs to
package mirror
