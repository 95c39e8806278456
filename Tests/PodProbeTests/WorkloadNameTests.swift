import Foundation
import Testing

@testable import PodProbe

@Suite struct WorkloadNameTests {
    private static func pod(_ metadata: String) throws -> KubeletPod {
        let text = #"{"metadata":{"namespace":"shop","uid":"u","name":"web-7d4b9c-x2z",\#(metadata)}}"#
        return try JSONDecoder().decode(KubeletPod.self, from: Data(text.utf8))
    }

    private static func of(
        _ kind: String, _ name: String, _ more: String = #""x":0"#, is workload: String
    ) -> (String, String) {
        (#""ownerReferences":[{"kind":"\#(kind)","name":"\#(name)","controller":true}],\#(more)"#, workload)
    }

    private static let cases: [(String, String)] = [
        of("ReplicaSet", "web-7d4b9c", #""labels":{"pod-template-hash":"7d4b9c"}"#, is: "Deployment/web"),
        of("ReplicaSet", "web-7d4b9c", #""labels":{"pod-template-hash":"other"}"#, is: "ReplicaSet/web-7d4b9c"),
        of("ReplicaSet", "web", is: "ReplicaSet/web"),
        of("ReplicaSet", "web-7d4b9c", #""labels":{"rollouts-pod-template-hash":"7d4b9c"}"#, is: "Rollout/web"),
        of("StatefulSet", "db", is: "StatefulSet/db"),
        of("DaemonSet", "log", is: "DaemonSet/log"),
        of("Cluster", "orders-db", is: "Cluster/orders-db"),
        of("Node", "x2z", is: "StaticPod/web-7d4b9c"),
        // 29926000 minutes after the epoch is 2026-11-24T22:40Z.
        of("Job", "sum-29926000", #""creationTimestamp":"2026-11-24T22:40:00Z""#, is: "CronJob/sum"),
        of("Job", "sum-29926000", #""creationTimestamp":"2026-11-25T22:39:00Z""#, is: "CronJob/sum"),
        of("Job", "sum-29926000", #""creationTimestamp":"2026-11-26T22:40:00Z""#, is: "Job/sum-29926000"),
        of("Job", "sum-29926000", #""creationTimestamp":"2026-11-24T22:30:00Z""#, is: "Job/sum-29926000"),
        of("Job", "sum-29926000", is: "Job/sum-29926000"),
        of("Job", "sum-20261124", #""creationTimestamp":"2026-11-24T22:40:00Z""#, is: "Job/sum-20261124"),
        of("Job", "-29926000", #""creationTimestamp":"2026-11-24T22:40:00Z""#, is: "Job/-29926000"),
        (#""ownerReferences":[{"kind":"A","name":"a"},{"kind":"B","name":"b","controller":true}]"#, "B/b"),
        (#""ownerReferences":null"#, "Pod/web-7d4b9c-x2z"),
        (#""annotations":{"kubernetes.io/config.source":"file"}"#, "StaticPod/web-7d4b9c"),
    ]

    @Test(arguments: cases)
    func `a pod tells its workload`(metadata: String, workload: String) throws {
        #expect(WorkloadName.of(try Self.pod(metadata), node: "x2z") == workload)
    }
}
