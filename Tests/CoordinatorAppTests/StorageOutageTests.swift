import SampleStore
import SwiftProtobuf
import Telemetry
import Testing
import TocsinProto

@testable import CoordinatorApp

@Suite struct StorageOutageTests {
    private let session = StoreWriter.Session(
        agent: FleetRegistry.AgentKey(cluster: "test", node: "node-a"), id: Array(repeating: 7, count: 16))

    private func entry(_ sequence: UInt64, stream: UInt64) -> StoreWriter.Entry {
        StoreWriter.Entry(
            session: session, stream: stream, frame: .with { $0.sequence = sequence },
            content: .samples(SampleBatch([])), timeRange: nil, chainStart: 1, definitions: nil, isBackfill: false,
            clockOffset: .zero, receivedAt: Timestamp(millis: 0), completion: { _ in })
    }

    @Test("What a stream sends after a frame that was not stored is not stored either, although it was told to end")
    func lateFramesOfABrokenStream() {
        var outage = StorageOutage()
        let start = ContinuousClock.now
        #expect(!outage.isHopeless(entry(2, stream: 4)))
        outage.park(entry(2, stream: 4), at: start)
        #expect(outage.isHopeless(entry(3, stream: 4)))
        #expect(outage.release(at: start + .seconds(4)).map(\.frame.sequence) == [2])
        #expect(!outage.hasParked)
        // The disk has room again, and what the agent had on its way before it knew builds on what is not there.
        #expect(outage.isHopeless(entry(3, stream: 4)))
        #expect(!outage.isHopeless(entry(3, stream: 5)))
    }

    @Test("A frame of the coordinator's own may be tried again")
    func ownFrames() {
        var outage = StorageOutage()
        var own = entry(1, stream: 0)
        own.stream = nil
        outage.park(own, at: .now)
        #expect(outage.hasParked && !outage.isHopeless(own))
    }

    @Test("A late frame of the old stream keeps nothing of the new one back")
    func aNewStreamIsFree() {
        var outage = StorageOutage()
        outage.park(entry(2, stream: 4), at: .now)
        #expect(outage.release(session).map(\.frame.sequence) == [2])
        outage.park(entry(3, stream: 4), at: .now)
        #expect(!outage.isHopeless(entry(2, stream: 5)))
        outage.park(entry(2, stream: 5), at: .now)
        outage.park(entry(4, stream: 4), at: .now)
        #expect(outage.isHopeless(entry(3, stream: 5)))
    }
}
