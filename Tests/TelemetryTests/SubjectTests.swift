import Telemetry
import Testing

@Suite struct SubjectTests {
    @Test(
        "The subject is found in the order instance, workload, target, node",
        arguments: [
            (["instance": "orders", "node": "n"] as LabelSet, "postgresql/orders"),
            (["namespace": "oddsmaker", "workload": "Deployment/control", "target": "actuator/x"], "oddsmaker/Deployment/control"),
            (["target": "actuator/x", "node": "n"], "target/actuator/x"),
            (["node": "n", "namespace": "oddsmaker"], "node/n"),
        ])
    func order(labels: LabelSet, path: String) {
        #expect(Subject(cluster: "c", labels: labels)?.path == path)
    }

    @Test func noneWithoutIdentity() {
        #expect(Subject(cluster: "c", labels: ["namespace": "oddsmaker"]) == nil)
    }

    @Test func staleMarkersAreTheirBitsAlone() {
        #expect(StaleMarker.matches(StaleMarker.value))
        #expect(!StaleMarker.matches(.nan))
        #expect(Sample(Series("a"), Timestamp(millis: 1), .nan) == Sample(Series("a"), Timestamp(millis: 1), .nan))
        #expect(Sample(Series("a"), Timestamp(millis: 1), 0.0) != Sample(Series("a"), Timestamp(millis: 1), -0.0))
    }
}
