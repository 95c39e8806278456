import Foundation
import Testing
import TocsinTestKit

@Suite(.serialized)
struct FullDiskTests {
    private struct Status: Decodable {
        struct Fault: Decodable {
            var reason: String
        }
        var storeFault: Fault?
        var rejectedFramesTotal: UInt64
    }

    private func fault(_ lab: TocsinLab) async throws -> String? {
        try await lab.json(Status.self, ["status"]).storeFault?.reason
    }

    @Test(
        "While the disk is full faults are still found, and afterwards everything is stored",
        .enabled(if: SmallDisk.isPermitted, "needs the right to mount a tmpfs in a namespace of its own"))
    func detectsFromMemory() async throws {
        let fleet = try await DatabaseFleet()
        let disk = try await SmallDisk.coordinator(fleet.lab, megabytes: 16)
        let agent = try fleet.lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed(within: .seconds(40)))
        let spoiltAt = Date().timeIntervalSince1970
        try await disk.fill()
        let reason = try await fleet.lab.eventually(within: .seconds(30)) { try await fault(fleet.lab) }
        #expect(reason != nil, "status says that nothing is stored")
        try await fleet.database.kill9()
        let opened = try await fleet.lab.eventually(within: .seconds(40)) {
            try await fleet.lab.incidents().first { $0.checkGroup == "down" }
        }
        let incident = try #require(opened, "detection goes on")
        try await fleet.database.start()
        let resolved = try await fleet.lab.eventually(within: .seconds(60)) {
            try await fleet.lab.incidents().first { $0.id == incident.id && $0.state == "resolved" }
        }
        #expect(resolved != nil)
        try #require(try await fault(fleet.lab) != nil, "and nothing was stored in all that time")
        try await disk.free()
        let restoredAt = Date().timeIntervalSince1970
        #expect(
            try await fleet.lab.eventually(within: .seconds(40)) { try await fault(fleet.lab) == nil ? true : nil }
                == true,
            "it recovers by itself")
        let delivered = try await fleet.lab.eventually(within: .seconds(40)) { () -> [Double]? in
            let times = try await fleet.samples("probe_up{target=\"postgresql/orders\"}").map(\.time)
            return (times.last ?? 0) > restoredAt + 2 ? times : nil
        }
        let times = try #require(delivered)
        #expect(Set(times).count == times.count, "no sample is there twice")
        let gaps = zip(times, times.dropFirst()).filter { $1 > spoiltAt }.map { $1 - $0 }
        #expect((gaps.max() ?? 99) < 4, "and none of the time without a disk is missing")
        let after = try await fleet.lab.incidents()
        #expect(after.map(\.id) == [incident.id], "what came again was not judged again")
        #expect(after.first?.episode == 1)
        try await agent.terminate()
        try await disk.process.terminate()
    }

    @Test(
        "A data directory that cannot be written is named at start, and nothing else happens",
        .enabled(if: SmallDisk.isPermitted, "needs the right to mount a tmpfs in a namespace of its own"))
    func readOnly() async throws {
        let fleet = try await DatabaseFleet()
        let directory = fleet.lab.path("coordinator")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let coordinator = try ChildProcess(
            "/usr/bin/unshare",
            [
                "-m", "sh", "-c", "mount -t tmpfs -o ro,size=1m tmpfs '\(directory)' && exec \"$0\" --config \"$1\"",
                "\(fleet.lab.binaries)/tocsin-coordinator", fleet.lab.path("coordinator.yaml"),
            ], directory: fleet.lab.folder.path)
        let exit = try await coordinator.waitForExit(timeout: .seconds(20))
        #expect(exit == .code(1))
        let text = coordinator.lines.joined(separator: "\n")
        #expect(text.contains(directory) || text.contains("dataDirectory"), "\(text)")
    }
}
