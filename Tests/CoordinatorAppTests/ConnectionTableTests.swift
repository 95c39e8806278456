import CertificateAuthority
import Telemetry
import Testing

@testable import CoordinatorApp

/// Who goes when there are too many connections.
@Suite struct ConnectionTableTests {
    private let agent = PeerIdentity.agent(cluster: "c", node: "n")
    private let user = PeerIdentity.user(role: .viewer, name: "eve")

    private func table(all: Int = 10, new: Int = 3, perClient: Int = 2) -> ConnectionTable {
        ConnectionTable(limits: .init(connectionsMax: all, newMax: new, perClientMax: perClient))
    }

    @Test("of those without a call the oldest goes; a call takes a connection out of their number")
    func oldestNewGoes() {
        var table = table()
        #expect((1...3).map { table.opened($0) } == [nil, nil, nil])
        table.called(1)
        #expect(table.opened(4) == nil)
        #expect(table.opened(5) == 2)
        #expect(table.isNew(3) && !table.isNew(2) && !table.isNew(1))
    }

    @Test("of one client the oldest goes, of another none")
    func oldestOfAClientGoes() {
        var table = table()
        for number in 1...5 as ClosedRange<UInt64> {
            _ = table.opened(number)
            table.called(number)
        }
        #expect(table.identified(1, as: agent) == nil && table.identified(2, as: agent) == nil)
        #expect(table.identified(3, as: user) == nil)
        #expect(table.identified(4, as: agent) == 1)
        #expect(table.identified(4, as: agent) == nil, "said once")
        table.closed(2)
        #expect(table.identified(5, as: agent) == nil)
    }

    @Test("beyond all a further one is refused, until one that was told to go is gone")
    func refusedBeyondAll() {
        var table = table(all: 3, new: 1)
        #expect(table.opened(1) == nil)
        #expect(table.opened(2) == 1)
        #expect(table.opened(3) == 2)
        #expect(table.count == 3)
        #expect(table.opened(4) == 4, "those that go still hold their sockets")
        table.closed(1)
        #expect(table.opened(5) == 3)
        #expect(table.count == 3)
    }

    @Test("the quota counts different series of an agent within an hour")
    func quota() {
        let quota = SeriesQuota(seriesMax: 3)
        let one = FleetRegistry.AgentKey(cluster: "c", node: "1")
        let other = FleetRegistry.AgentKey(cluster: "c", node: "2")
        let start = Timestamp(seconds: 1000)
        func series(_ numbers: ClosedRange<Int>) -> SeriesList {
            SeriesList(numbers.map { Series("m", ["n": "\($0)"]) })
        }
        #expect(quota.refused(series(1...2), of: one, now: start) == nil)
        #expect(quota.refused(series(1...5), of: one, now: start) == [3, 4])
        #expect(quota.refused(series(1...3), of: one, now: start + .seconds(3599)) == nil, "known ones pass")
        #expect(quota.refused(series(4...5), of: other, now: start) == nil, "another agent has its own")
        #expect(quota.refused(series(4...5), of: one, now: start + .seconds(3600)) == nil, "the next hour")
    }
}
