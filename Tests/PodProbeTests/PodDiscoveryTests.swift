import Foundation
import Telemetry
import Testing

@testable import PodProbe

struct PodDiscoveryTests {
    private func pod(
        _ name: String = "shop-1", phase: String = "Running", address: String? = "10.244.0.7",
        deleting: Bool = false, annotations: [String: String]
    ) throws -> KubeletPod {
        var metadata: [String: Any] = ["namespace": "shop", "name": name, "uid": name, "annotations": annotations]
        if deleting { metadata["deletionTimestamp"] = "2026-11-28T00:00:00Z" }
        var status: [String: Any] = ["phase": phase]
        status["podIP"] = address
        let object: [String: Any] = ["metadata": metadata, "spec": ["containers": [["name": "app"]]], "status": status]
        return try JSONDecoder().decode(KubeletPod.self, from: JSONSerialization.data(withJSONObject: object))
    }

    private func discovery(_ pods: [KubeletPod]) -> PodDiscovery {
        PodDiscovery(pods) { [LabelName.namespace: $0.namespace, LabelName.pod: $0.name] }
    }

    @Test(arguments: [
        (["tocsin.dev/actuator": "8086/actuator"], "actuator http://10.244.0.7:8086/actuator"),
        (["tocsin.dev/actuator": "8086"], "actuator http://10.244.0.7:8086/actuator"),
        (["tocsin.dev/actuator": "8086/"], "actuator http://10.244.0.7:8086"),
        (["tocsin.dev/actuator": "9001/ops/manage/"], "actuator http://10.244.0.7:9001/ops/manage"),
        (["prometheus.io/scrape": "true", "prometheus.io/port": "9187"], "prometheus http://10.244.0.7:9187/metrics"),
        (
            ["prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/stats"],
            "prometheus http://10.244.0.7:8080/stats"
        ),
        // Spring's own convention: the same actuator, which has health too.
        (
            [
                "prometheus.io/scrape": "true", "prometheus.io/port": "8086",
                "prometheus.io/path": "/actuator/prometheus",
            ], "actuator http://10.244.0.7:8086/actuator"
        ),
        (
            ["tocsin.dev/actuator": "1/a", "prometheus.io/scrape": "true", "prometheus.io/port": "2"],
            "actuator http://10.244.0.7:1/a"
        ),
    ])
    func whatAnnotationsMean(annotations: [String: String], expected: String) throws {
        let found = discovery([try pod(annotations: annotations)])
        #expect(found.endpoints.map { "\($0.kind) \($0.url)" } == [expected])
        #expect(found.problems.isEmpty)
    }

    @Test(arguments: [
        "", "0", "65536", "x/actuator", "8086@evil.example/", "8086/..%2f", "8086/../admin", "8086//evil.example",
        "8086/a?b=c", "8086/a#b", "8086/a b", "8086/" + String(repeating: "a", count: 300), "-1/a", "+80/a",
    ])
    func anAnnotationCannotNameAnotherPlace(value: String) throws {
        let found = discovery([try pod(annotations: ["tocsin.dev/actuator": value])])
        #expect(found.endpoints.isEmpty)
        #expect(found.problems.count == 1)
    }

    @Test func onlyWhatRunsAndHasAnAddressIsAsked() throws {
        let wish = ["tocsin.dev/actuator": "8086"]
        let found = discovery([
            try pod("pending", phase: "Pending", annotations: wish),
            try pod("done", phase: "Succeeded", annotations: wish),
            try pod("going", deleting: true, annotations: wish), try pod("new", address: nil, annotations: wish),
            try pod("quiet", annotations: ["prometheus.io/scrape": "false", "prometheus.io/port": "1"]),
            try pod("six", address: "fd00::7", annotations: wish),
        ])
        #expect(found.endpoints.map(\.url) == ["http://[fd00::7]:8086/actuator"])
        #expect(found.problems.isEmpty)
    }
}
