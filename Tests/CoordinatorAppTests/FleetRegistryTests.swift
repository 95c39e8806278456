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

    private func connect(_ fleet: FleetRegistry, _ node: Int, at second: Int) throws -> FleetRegistry.Connection? {
        fleet.connected(.init(cluster: "c", node: "n\(node)"), hello: try hello(boot: 1), now: start + .seconds(second))
    }

    @Test("Nodes that come and go, many more than the limit, are taken as long as enough of them are silent")
    func churn() throws {
        let fleet = FleetRegistry(configuration: .init(silentAfter: .seconds(30), agentsMax: 3))
        for node in 0..<100 { #expect(try connect(fleet, node, at: node * 10) != nil) }
        #expect(fleet.agentViews(now: start + .seconds(1000)).map(\.node) == ["n97", "n98", "n99"])
        #expect(fleet.figures == .init(refused: 0, forgotten: 97))
        #expect(try connect(fleet, 100, at: 999) == nil, "none is silent")
        #expect(fleet.figures.refused == 1)
        #expect(fleet.refusal.contains("limits.agents: 3 agents"))
    }

    @Test("An agent that is forgotten ends its old stream, unless it came back meanwhile")
    func forgets() throws {
        let fleet = FleetRegistry(configuration: .init(silentAfter: .seconds(30)))
        let stream = try #require(try connect(fleet, 1, at: 0)).stream
        _ = try connect(fleet, 2, at: 3599)
        fleet.forget([1, 2].map { .init(cluster: "c", node: "n\($0)") }, now: start + .seconds(3600))
        #expect(fleet.signsOfLife().map(\.node) == ["n2"])
        #expect(!fleet.seen(.init(cluster: "c", node: "n1"), stream: stream, now: start + .seconds(3601)))
        #expect(fleet.figures.forgotten == 1)
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
