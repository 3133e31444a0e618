// Package controlplane runs a real Kubernetes control plane on loopback ports: etcd,
// kube-apiserver, kube-controller-manager and kube-scheduler, with kwok in the place of
// kubelets. It guarantees:
//
//  1. Ready or an error. Start returns when the API server is ready and every node is Ready,
//     or else an error that ends with what the component at fault had to say.
//  2. Real rights. RBAC is enforced, and tokens of service accounts carry exactly the rights
//     that are bound to them.
//  3. Quiet nodes. Nodes do not fail by themselves, however long the API server is away:
//     the controller that turns Pods unready for lack of heartbeats does not run.
//  4. No orphans. Stop ends every component and waits; on Linux components also die with the
//     process that started them.
//
// # Pods
//
// A Pod that is scheduled to a node turns Running and Ready at once, with an address out of
// 10.64.0.0/14. A deleted Pod goes at once, and the Pods of a Job succeed at once. Nothing
// else changes a Pod: kwok makes a Pod ready only while its phase is Pending. So the Ready
// condition of a running Pod can be changed with [ControlPlane.SetPodReady], or with
//
//	kubectl patch pod NAME --subresource=status \
//	  -p '{"status":{"conditions":[{"type":"Ready","status":"False"}]}}'
//
// and stays as it was set until it is set again. A test that wants to see a Pod terminating
// for longer gives it a finalizer.
//
// With [Options.APIServerOnly] nobody plays the kubelet: a test creates Pods and writes
// their status itself.
package controlplane
