import Signals
import Telemetry
import Testing

@Suite struct NodeSignalsTests {
    private let node = Subject(cluster: "test", kind: .node, path: "node/worker-1")

    private func feed(_ engine: inout SignalEngine, _ seconds: Double, _ values: [String: Double], mount: String? = nil)
    {
        var labels: LabelSet = ["node": "worker-1"]
        labels["mountpoint"] = mount
        for (metric, value) in values { engine.feed(metric, labels, seconds, value) }
    }

    @Test func whatTheClusterSaysOfTheNode() {
        var engine = SignalEngine()
        let labels: LabelSet = ["node": "worker-1"]
        for (condition, value) in [("MemoryPressure", 0.0), ("DiskPressure", 1), ("KernelDeadlock", 1)] {
            engine.feed("kube_node_condition", labels.merging(["condition": condition]), 3, value)
        }
        engine.feed("kube_node_ready", labels, 3, 0)
        let points = engine.advance(to: at(10))
        #expect(points.allSatisfy { $0.subject == node })
        #expect(points.first { $0.signal == .nodeReady }?.value == 0)
        #expect(points.first { $0.signal == .nodePressure }?.value == 1)
        // A condition of another tool may have a meaning of its own.
        engine.feed("kube_node_condition", labels.merging(["condition": "DiskPressure"]), 13, 0)
        engine.feed("kube_node_condition", labels.merging(["condition": "KernelDeadlock"]), 13, 1)
        #expect(engine.points(.nodePressure, until: 20).map(\.value) == [0])
    }

    @Test func memoryThatIsNotAvailable() {
        var engine = SignalEngine()
        feed(&engine, 1, ["node_memory_MemTotal_bytes": 1000, "node_memory_MemAvailable_bytes": 50])
        let points = engine.points(.nodeMemoryUsedRatio, until: 10)
        #expect(points.map(\.subject) == [node])
        #expect(points.map(\.value) == [0.95])
        #expect(points.first?.contributions.map(\.contributor) == ["worker-1"])
    }

    @Test func theFullestFileSystemCounts() {
        var engine = SignalEngine()
        let root = [
            "node_filesystem_size_bytes": 100.0, "node_filesystem_free_bytes": 20, "node_filesystem_avail_bytes": 20,
        ]
        feed(&engine, 1, root, mount: "/")
        // 5 of 100 are kept for the superuser: 90 are taken of 95.
        let data = [
            "node_filesystem_size_bytes": 100.0, "node_filesystem_free_bytes": 10, "node_filesystem_avail_bytes": 5,
            "node_filesystem_files": 200, "node_filesystem_files_free": 10,
        ]
        feed(&engine, 1, data, mount: "/var")
        let points = engine.advance(to: at(10))
        let room = points.filter { $0.signal == .diskUsedRatio }
        #expect(room.map(\.value) == [90.0 / 95])
        #expect(room.first?.subject == node)
        #expect(room.first?.contributions.map(\.contributor) == ["/var", "/"])
        #expect(points.filter { $0.signal == .inodeUsedRatio }.map(\.value) == [0.95])
    }

    @Test func killsAreTheIncreaseOfTheKernelsCount() {
        var engine = SignalEngine()
        var values: [Double?] = []
        for (cell, count) in [7.0, 7, 9, 9, 1].enumerated() {
            feed(&engine, Double(cell) * 10 + 1, ["node_vmstat_oom_kill": count])
            values += engine.points(.nodeOOMKills, until: Double(cell + 1) * 10).map(\.value)
        }
        // The first look is the base line; a lower count is that of a kernel that started anew.
        #expect(values == [0, 0, 2, 0, 1])
    }

    @Test func certificateThatExpiresFirst() {
        var engine = SignalEngine()
        let end = Double(origin.millis) / 1000 + 10
        for (name, left) in [("a", 3600.0), ("b", -60)] {
            let labels: LabelSet = ["namespace": "shop", "workload": "Deployment/orders", "target": "http/\(name)"]
            engine.feed("probe_tls_certificate_expiry_seconds", labels, 1, end + left)
        }
        let points = engine.points(.certificateRemainingSeconds, until: 10)
        #expect(points.map(\.subject) == [orders])
        #expect(points.map(\.value) == [-60])
        #expect(points.first?.contributions.map(\.contributor) == ["http/b", "http/a"])
    }
}
