// Package node runs the pods of one Kubernetes node as processes of this
// machine.
//
// Tests of a platform operator are worth little when its operands are painted
// on: a Deployment that a simulator marks Available proves nothing about
// flags, permissions, certificates or webhooks. Running containers, on the
// other hand, needs a container runtime, images and a network. This package
// takes the middle way: it is a kubelet stand-in which maps an image to a
// program built from Go modules and runs that program as the pod says, with
// the container's arguments and environment, its Secrets and ConfigMaps as
// files, and the pod's own ServiceAccount token, so that the operand does what
// its chart lets it do and no more. The pod's status tells of the process: it
// is Ready only while the readiness probe is answered, and a crash shows at
// once.
//
// What differs from a kubelet:
//
//   - All pods share the loopback interface. A pod's address is virtual; the
//     flags that carry ports are rewritten to free ports, and Route translates
//     an address and container port to where the process really listens.
//   - All pods share the file system. A volume is a folder, and its mount path
//     is replaced by that folder in arguments and environment. A path that a
//     program has built in, or reads from a configuration file, is not
//     replaced. Only the ServiceAccount's token needs neither: the process
//     gets a KUBECONFIG which refers to it.
//   - A readiness probe begins at once and is repeated at least every second,
//     whatever its delay and period: an early probe can't make a false
//     statement. Startup and liveness probes keep their own pace, since there
//     an early failure would kill.
//   - The delay between restarts grows from 1 s to 30 s, and a termination's
//     grace period is cut to 5 s.
//   - Resource limits, security contexts and scheduling constraints have no
//     effect. Whatever else is not supported is refused: the containers stay
//     waiting, with a message that says why.
//   - No Events are written; what a kubelet would say by them stands in the
//     message of the waiting state or of the ContainersReady condition.
//
// Pods whose first container has an unknown image are left alone, for a
// simulator such as kwok to take.
package node
