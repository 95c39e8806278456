import Foundation
import IngestWire
import QueryWire
import SwiftProtobuf
import Telemetry
import Testing
import TocsinProto

@testable import CoordinatorApp

struct FleetRegistryTests {
    private let key = FleetRegistry.AgentKey(cluster: "c", node: "n")
    private let start = Timestamp(seconds: 1_800_000_000)

    private func hello(boot: UInt8) throws -> AgentHello {
        try AgentHello(
            proto: .with {
                $0.cluster = key.cluster
                $0.node = key.node
                $0.version = "1.0.0"
                $0.session = .init(repeating: 1, count: 16)
                $0.boot = .init(repeating: boot, count: 16)
                $0.firstSequence = 1
            }, limits: .standard)
    }

    @Test("An agent that starts anew, again and again, or comes back, shares its name with nobody")
    func restarts() throws {
        let fleet = FleetRegistry()
        for (second, boot) in [1, 1, 2, 2, 3, 4, 4].enumerated() {
            let connection = fleet.connected(key, hello: try hello(boot: UInt8(boot)), now: start + .seconds(second))
            #expect(connection?.isContended == false)
        }
        #expect(fleet.agentViews(now: start + .seconds(7)).map(\.state) == ["live"])
    }

    @Test("Two processes that take a name from each other are contended until one is gone for two minutes")
    func twins() throws {
        let fleet = FleetRegistry()
        let contended = try [1, 2, 1, 2].enumerated().map { second, boot in
            try #require(
                fleet.connected(key, hello: hello(boot: UInt8(boot)), now: start + .seconds(second))
            ).isContended
        }
        #expect(contended == [false, false, true, true])
        #expect(fleet.agentViews(now: start + .seconds(4)).map(\.state) == ["contended"])
        let later = start + .seconds(3 + 120)
        let stream = try #require(fleet.connected(key, hello: hello(boot: 2), now: later))
        #expect(!stream.isContended)
        #expect(fleet.agentViews(now: later).map(\.state) == ["live"])
    }
}
