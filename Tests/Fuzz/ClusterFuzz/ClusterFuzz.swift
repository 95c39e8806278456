import ClusterWatch
import Foundation
import FuzzSupport
import KubernetesAPI
import Telemetry

/// One input: lists of events, ReplicaSets and Deployments as an API server sends them.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzCluster(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let now = Timestamp(seconds: 1_700_000_000)
    var events = EventTracker()
    var rollouts = RolloutTracker()
    for part in Fuzz.parts(Fuzz.bytes(start, size), countMax: 4) {
        let data = Data(part)
        let decoder = JSONDecoder()
        if let page = try? decoder.decode(ObjectPage<ClusterEvent>.self, from: data) {
            let edges = events.take(all: page.objects, isComplete: page.next == nil, now: now) { _, _ in nil }
            precondition(edges.count <= page.objects.count)
            Fuzz.canary(!edges.isEmpty)
        }
        if let page = try? decoder.decode(ObjectPage<ReplicaSetState>.self, from: data) {
            for state in page.objects {
                _ = rollouts.take(state, now: now)
                rollouts.remove(state)
                _ = rollouts.take(state, now: now)
            }
        }
        if let page = try? decoder.decode(ObjectPage<DeploymentState>.self, from: data) {
            for state in page.objects { _ = rollouts.take(state, now: now) }
        }
        precondition(rollouts.count <= 5000 && events.count <= 10_000)
    }
    return 0
}
