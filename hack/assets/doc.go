// Package assets makes the programs of the local control plane available on this machine:
// etcd, etcdctl, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl and kwok,
// with the stages by which kwok plays a kubelet. It needs the go command and the module
// proxy, and nothing else. It guarantees:
//
//  1. One folder. All programs lie together in the user's cache folder, under a name that
//     changes whenever a pinned version does.
//  2. Pinned. Versions come from the go.mod files below this folder and are checked against
//     go.sum; they are written nowhere else.
//  3. Whole or absent. A program appears under its name only when it is complete, so an
//     interrupted run leaves nothing that must be cleaned up, and the next run continues
//     from what the Go build cache kept.
//  4. Once. Any number of processes may ask at the same time; one of them builds.
package assets
