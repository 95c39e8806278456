import Foundation
import HostProbe
import Probing
import Telemetry
import Testing

@Suite struct HostProbeTests {
    private let at = Timestamp(millis: 1_795_562_990_000)

    private func report(_ configuration: HostProbe.Configuration) async -> ProbeReport {
        await HostProbe(configuration).run(startedAt: at)
    }

    private func values(_ report: ProbeReport) -> [String: Double] {
        Dictionary(report.samples.map { ($0.series.description, $0.value) }, uniquingKeysWith: { $1 })
    }

    @Test func thisMachine() async throws {
        let probe = HostProbe(HostProbe.Configuration(node: "worker-1", mounts: ["/", "/nonexistent"]))
        #expect(probe.target.id == "host/worker-1")
        let first = await probe.run(startedAt: at)
        #expect(first.outcome == .success)
        #expect(first.samples.allSatisfy { $0.series.labels[LabelName.node] == "worker-1" && $0.timestamp == at })
        // A clock may be ahead or behind; nothing else is less than nothing.
        let sizes = first.samples.filter { $0.series.metric != "node_timex_offset_seconds" }
        #expect(first.samples.allSatisfy { $0.value.isFinite } && sizes.allSatisfy { $0.value >= 0 })
        #expect(Set(first.samples.map(\.series)).count == first.samples.count)
        let values = values(first)
        let total = try #require(values[#"node_memory_MemTotal_bytes{node="worker-1"}"#])
        let available = try #require(values[#"node_memory_MemAvailable_bytes{node="worker-1"}"#])
        #expect(total == Double(ProcessInfo.processInfo.physicalMemory))
        #expect(available > 0 && available <= total)
        let size = try #require(values[#"node_filesystem_size_bytes{mountpoint="/",node="worker-1"}"#])
        let room = try #require(values[#"node_filesystem_avail_bytes{mountpoint="/",node="worker-1"}"#])
        #expect(room > 0 && room < size)
        #expect(values[#"node_filesystem_device_error{mountpoint="/nonexistent",node="worker-1"}"#] == 1)
        #expect(values[#"node_filesystem_device_error{mountpoint="/",node="worker-1"}"#] == 0)
        #expect(values[#"node_vmstat_oom_kill{node="worker-1"}"#] != nil)
        #expect(values[#"node_load1{node="worker-1"}"#] != nil)
        // Asked of this machine's kernel, without any right.
        let isInStep = try #require(values[#"node_timex_sync_status{node="worker-1"}"#])
        #expect(isInStep == 0 || isInStep == 1)
        #expect(values[#"node_timex_offset_seconds{node="worker-1"}"#] != nil)
        #expect(try #require(values[#"node_timex_maxerror_seconds{node="worker-1"}"#]) >= 0)
        let boot = try #require(values[#"node_boot_time_seconds{node="worker-1"}"#])
        #expect(abs(Date().timeIntervalSince1970 - boot - ProcessInfo.processInfo.systemUptime) < 5)
        let cpus = Set(first.samples.compactMap { $0.series.labels["cpu"] })
        #expect(cpus.count == sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let second = await probe.run(startedAt: at)
        let user = #"node_cpu_seconds_total{cpu="0",mode="user",node="worker-1"}"#
        let before = try #require(values[user])
        let after = try #require(self.values(second)[user])
        #expect(after >= before)
    }

    /// A `/proc` that is mounted elsewhere: the network is that of its process 1, mounts are under the root.
    @Test func mountedElsewhere() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("host-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for path in ["proc/1/net", "proc/pressure", "root/var"] {
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent(path), withIntermediateDirectories: true)
        }
        for (fixture, path) in [
            ("stat.txt", "stat"), ("meminfo.txt", "meminfo"), ("net-dev.txt", "1/net/dev"),
            ("pressure-io.txt", "pressure/io"),
        ] {
            let target = folder.appendingPathComponent("proc/\(path)")
            try Fixture.text(fixture).write(to: target, atomically: false, encoding: .utf8)
        }
        let report = await report(
            HostProbe.Configuration(
                node: "n", mounts: ["/", "/var"], procDirectory: folder.path + "/proc",
                rootDirectory: folder.path + "/root", cpusMax: 1))
        let values = values(report)
        #expect(report.outcome == .success)
        #expect(values[#"node_network_receive_bytes_total{device="eth0",node="n"}"#] == 14_912_893)
        #expect(values[#"node_pressure_io_stalled_seconds_total{node="n"}"#] == 11.275388)
        #expect(values[#"node_cpu_seconds_total{cpu="all",mode="idle",node="n"}"#] == 2753.45)
        #expect(values[#"node_cpu_seconds_total{cpu="0",mode="idle",node="n"}"#] == nil)
        #expect(values[#"node_filesystem_device_error{mountpoint="/var",node="n"}"#] == 0)
        #expect(!values.keys.contains { $0.hasPrefix("node_vmstat") || $0.hasPrefix("node_load") })
    }

    @Test func noProcIsAFailure() async {
        let report = await report(HostProbe.Configuration(node: "n", procDirectory: "/nonexistent"))
        #expect(report.outcome.failureClass == .internal)
        #expect(report.samples.isEmpty)
    }
}
