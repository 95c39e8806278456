import Foundation
import GRPCCore
import IngestWire
import SampleLink
import SwiftProtobuf
import Telemetry
import Testing
import TocsinProto

@Suite struct IngestMappingTests {
    private let limits = WireLimits.standard

    @Test func edgesComeBackAsTheyWent() throws {
        let edge = Edge(
            .containerTerminated, at: Timestamp(millis: 1_760_000_000_123),
            labels: ["namespace": "oddsmaker", "pod": "ledger-0"],
            attributes: ["reason": "OOMKilled", "exitCode": "137"],
            count: 2)
        let bytes: [UInt8] = try Tocsin_V1_EdgeBatch([edge]).serializedBytes()
        let batch = try Tocsin_V1_EdgeBatch(serializedBytes: bytes)
        #expect(try batch.decoded(limits: limits) == [edge])
    }

    @Test(
        "A target's status comes back as it went",
        arguments: [nil, .success, .failure(.silent, "The port is open and nobody answers.")] as [ProbeOutcome?])
    func statuses(outcome: ProbeOutcome?) throws {
        let target = Target(
            kind: .postgresql, name: "orders", address: "db:5432", labels: ["instance": "orders"],
            interval: .seconds(10),
            deadline: .seconds(5))
        let status = TargetStatus(
            target: target, outcome: outcome, lastProbeAt: outcome.map { _ in Timestamp(millis: 5) },
            lastDuration: outcome.map { _ in .milliseconds(3) }, lastSampleCount: 7,
            since: outcome.map { _ in Timestamp(millis: 4) },
            remark: outcome == .success ? "GRANT pg_monitor TO tocsin;" : nil)
        #expect(try TargetStatus(proto: status.proto, limits: limits) == status)
    }

    @Test func anOutcomeOfANewerAgentIsNotLost() throws {
        var proto = TargetStatus(
            target: Target(kind: .pods, name: "n", address: "", interval: .seconds(1), deadline: .seconds(1))
        ).proto
        proto.outcome = "quantum"
        proto.message = "undecided"
        #expect(
            try TargetStatus(proto: proto, limits: limits).outcome == .failure(.internal, "quantum: undecided"))
    }

    @Test func whatBreaksTheLimitsIsRefused() {
        var batch = Tocsin_V1_EdgeBatch()
        batch.edges = Array(repeating: Tocsin_V1_Edge(), count: limits.edgesMax + 1)
        #expect(throws: WireError.self) { try batch.decoded(limits: limits) }
        var edge = Tocsin_V1_Edge()
        #expect(throws: WireError.self) { try Edge(proto: edge, limits: limits) }
        edge.kind = String(repeating: "k", count: limits.nameBytesMax + 1)
        #expect(throws: WireError.self) { try Edge(proto: edge, limits: limits) }
    }

    @Test func aStormOfEdgesIsDividedIntoWhatACoordinatorTakes() throws {
        func edge(_ number: Int, bytes: Int = 1) -> Edge {
            Edge(
                .podGone, at: Timestamp(millis: Int64(number)), labels: ["pod": "p\(number)"],
                attributes: ["message": String(repeating: "m", count: bytes)])
        }
        let many = (0..<2 * limits.edgesMax + 5).map { edge($0) }
        let divided = EdgeBatches(many)
        #expect(divided.batches.flatMap(\.self) == many && divided.refused == 0)
        for batch in divided.batches {
            let bytes: [UInt8] = try Tocsin_V1_EdgeBatch(batch).serializedBytes()
            #expect(try Tocsin_V1_EdgeBatch(serializedBytes: bytes).decoded(limits: limits) == batch)
        }
        let large = EdgeBatches((0..<900).map { edge($0, bytes: limits.valueBytesMax) })
        #expect(large.batches.joined().count == 900 && large.batches.count > 3)
        for batch in large.batches {
            let bytes: [UInt8] = try Tocsin_V1_EdgeBatch(batch).serializedBytes()
            #expect(bytes.count < limits.blockBytesMax)
        }
        let mixed = EdgeBatches([edge(1), edge(2, bytes: limits.valueBytesMax + 1), edge(3)])
        #expect(mixed.batches == [[edge(1), edge(3)]] && mixed.refused == 1)
        #expect(EdgeBatches([]).batches.isEmpty)
    }

    @Test func aRefusalNamesTheFrameThatItIsOf() {
        let refused = WireError(.corrupt, "frame 7: no block").refusing(7)
        #expect(WireError.refusedFrame(in: refused.rpcError) == 7)
        #expect(refused.rpcCode == .invalidArgument)
        let broken = WireError(.chainBroken, "a new chain").refusing(7)
        #expect(WireError.refusedFrame(in: broken.rpcError) == nil, "in a new chain the frame may be sound")
        #expect(WireError.refusedFrame(in: WireError(.storage, "disk full").rpcError) == nil)
    }

    @Test(arguments: [0, 15, 17])
    func aSessionHasSixteenBytes(count: Int) {
        var hello = Tocsin_V1_Hello()
        hello.cluster = "c"
        hello.node = "n"
        hello.session = Data(repeating: 1, count: count)
        hello.boot = Data(repeating: 1, count: 16)
        #expect(throws: WireError.self) { try AgentHello(proto: hello, limits: limits) }
    }

    @Test func anAnswerAboutTargetsComesBackAsItWent() throws {
        let answer = TargetsAnswer(
            answeredUptime: .milliseconds(12_345), lease: .seconds(30),
            targets: [
                .init(
                    target: "postgresql/orders", role: .owner, definition: "{name: orders}",
                    defaultInterval: .seconds(10)),
                .init(target: "http/page", role: .witness, definition: "{name: page}", defaultInterval: .seconds(10)),
            ], removed: ["tcp/old"])
        let bytes: [UInt8] = try answer.proto.serializedBytes()
        #expect(try TargetsAnswer(proto: try .init(serializedBytes: bytes), limits: limits) == answer)
    }

    @Test func aRoleOfANewerCoordinatorGrantsNothing() throws {
        var proto = TargetsAnswer(
            answeredUptime: .seconds(1), lease: .seconds(30),
            targets: [.init(target: "a/b", role: .owner, definition: "{}", defaultInterval: .seconds(1))], removed: []
        ).proto
        proto.targets[0].grant.role = .UNRECOGNIZED(9)
        #expect(try TargetsAnswer(proto: proto, limits: limits).targets.isEmpty)
        proto.targets[0].grant.role = .owner
        proto.targets[0].definition = ""
        #expect(throws: WireError.self) { try TargetsAnswer(proto: proto, limits: limits) }
    }

    @Test("A hello comes back with the capabilities that this version knows; an older one has none")
    func capabilities() throws {
        var hello = AgentHello(
            cluster: "c", node: "n", version: "1", session: Array(repeating: 1, count: 16),
            boot: Array(repeating: 2, count: 16), firstSequence: 3, lastSequence: 4, lostSamples: 5,
            sentAt: Timestamp(millis: 6), capabilities: [.chainedBlocks])
        hello.heldFrom = Timestamp(millis: 5)
        hello.continues = Array(repeating: 3, count: 16)
        let times = Timestamp(millis: 1)...Timestamp(millis: 2)
        hello.losses = [
            FrameLoss(sequences: 1...2, times: times, samples: 9, reason: .damage),
            FrameLoss(sequences: 7...7, times: nil, samples: 0),
        ]
        var proto = hello.proto
        #expect(proto.capabilities == ["sample-block-2"])
        proto.capabilities.append("telepathy")
        // A loss that contradicts itself says nothing.
        proto.losses.append(.with { $0.first = 9 })
        proto.losses.append(Tocsin_V1_Loss())
        for (from, to) in [(Int64.min, 1), (2, 1), (1, Int64.max)] {
            proto.losses.append(
                .with {
                    ($0.first, $0.last, $0.minMillis, $0.maxMillis) = (9, 9, from, to)
                })
        }
        #expect(try AgentHello(proto: proto, limits: limits) == hello)
        proto.capabilities = []
        #expect(try AgentHello(proto: proto, limits: limits).capabilities.isEmpty)
    }
}
