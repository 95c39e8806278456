import Foundation
import GRPCCore
import SampleCodec
import SwiftProtobuf
import Synchronization
import Telemetry
import Testing
import TocsinProto
import TocsinTestKit

/// The program of before against the one of now, each way.
@Suite(.serialized)
struct PreviousVersionTests {
    private static let recording =
        TocsinLab.packageRoot + "/Tests/Fixtures/wire/agent-before-lanes.messages"

    private func lab() async throws -> TocsinLab {
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        return lab
    }

    @Test("An agent sends a coordinator without capabilities what that one understands, also after an outage")
    func agentToOlderCoordinator() async throws {
        let lab = try await lab()
        let older = OlderCoordinator()
        try await older.run(in: lab) { port in
            try lab.writeAgent(node: "node-a", interval: "1s", probes: "host: {enabled: true}", coordinatorPort: port)
            let agent = try lab.startAgent(node: "node-a")
            func reaches(_ sequence: UInt64) async throws -> Bool {
                try await lab.eventually(within: .seconds(60)) {
                    older.view.durable >= sequence ? true : nil
                } ?? false
            }
            #expect(try await reaches(6))
            // Long enough that the backlog is longer than the window.
            older.setAway(true)
            let before = older.view.durable
            try await Task.sleep(for: .seconds(10))
            older.setAway(false)
            #expect(try await reaches(before + UInt64(OlderCoordinator.window) + 4))
            try await agent.terminate()
        }
        let view = older.view
        #expect(view.breaches.isEmpty)
        #expect(view.frames.map(\.sequence) == Array(1...view.durable), "each once, in order")
        #expect(view.frames.allSatisfy { $0.lane == .fresh })
        var moments: [Timestamp] = []
        for case .sampleBlock(let block)? in view.frames.map(\.payload) {
            // Version 1, and alone.
            #expect([UInt8](block)[4] == 1)
            let samples = try SampleBlockDecoder.decode([UInt8](block))
            moments += samples.filter { $0.series.metric == "tocsin_agent_targets" }.map(\.timestamp)
        }
        let gaps = zip(moments, moments.dropFirst()).map { $1 - $0 }
        #expect((gaps.max() ?? .seconds(99)) < .seconds(3), "nothing of the outage is missing")
    }

    /// Made by the agent of commit 477bf00, the last one before chains of blocks, lanes and capabilities.
    @Test("What an agent of before sent is stored, each sample once, also when it comes again")
    func olderAgentToCoordinator() async throws {
        let messages = try Self.recorded()
        let lab = try await lab()
        let coordinator = try await lab.startCoordinator()
        let agent = RawAgent(lab: lab, node: "node-a")
        var expected: [String: Set<Int64>] = [:]
        var last: UInt64 = 0
        for case .frame(let frame)? in messages.map(\.message) {
            last = frame.sequence
            guard case .sampleBlock(let block)? = frame.payload else { continue }
            for sample in try SampleBlockDecoder.decode([UInt8](block)) {
                expected[sample.series.metric, default: []].insert(sample.timestamp.millis)
            }
        }
        #expect(last >= 8 && expected.count > 10)
        for _ in 0..<2 {
            let end = last
            let outcome = try await agent.exchange(messages) { $0.durable == end }
            #expect(outcome.error == nil)
            #expect(outcome.answers.first?.welcome.capabilities == [], "it asked for none")
        }
        let figures = try await MetricsPage(port: lab.httpPort).figures()
        #expect(figures["tocsin_coordinator_frames_rejected_total"] == 0)
        #expect(figures["tocsin_coordinator_frames_duplicate_total"] == Double(last))
        for metric in ["tocsin_agent_targets", "node_load1"] {
            let stored = try await SampleQuery(lab: lab).points(metric, since: "\(24 * 3650)h").map {
                Int64(($0.time * 1000).rounded())
            }
            #expect(Set(stored) == expected[metric], "\(metric)")
            #expect(Set(stored).count == stored.count)
        }
        #expect(try await lab.agents().first?.samplesTotal ?? 0 > 0, "its heartbeat is understood")
        try await coordinator.terminate()
    }

    /// The messages of the file, each behind its length as protobuf writes it.
    private static func recorded() throws -> [Tocsin_V1_AgentMessage] {
        var rest = try Data(contentsOf: URL(filePath: recording))[...]
        var messages: [Tocsin_V1_AgentMessage] = []
        while !rest.isEmpty {
            var (length, shift) = (0, 0)
            while let byte = rest.popFirst() {
                length |= Int(byte & 127) << shift
                shift += 7
                if byte < 128 { break }
            }
            messages.append(try Tocsin_V1_AgentMessage(serializedBytes: Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return messages
    }

    /// Records anew: `TOCSIN_RECORD_AGENT` is the folder of another version's programs.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["TOCSIN_RECORD_AGENT"] != nil))
    func record() async throws {
        let binaries = ProcessInfo.processInfo.environment["TOCSIN_RECORD_AGENT"]
        let lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        let older = OlderCoordinator()
        try await older.run(in: lab) { port in
            try lab.writeAgent(node: "node-a", interval: "1s", probes: "host: {enabled: true}", coordinatorPort: port)
            let agent = try ChildProcess(
                "\(binaries ?? "")/tocsin-agent", ["--config", lab.path("agent-node-a.yaml")],
                directory: lab.folder.path)
            _ = try await lab.eventually(within: .seconds(60)) { older.view.durable >= 10 ? true : nil }
            try await Task.sleep(for: .seconds(5))
            try await agent.terminate()
        }
        var bytes = Data()
        for message in older.view.streams.joined() {
            var length = message.count
            while length >= 128 {
                bytes.append(UInt8(length & 127 | 128))
                length >>= 7
            }
            bytes.append(UInt8(length))
            bytes += message
        }
        try FileManager.default.createDirectory(
            atPath: (Self.recording as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try bytes.write(to: URL(filePath: Self.recording))
    }
}
