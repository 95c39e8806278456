import PostgresClient
import Telemetry
import Testing

@testable import PostgresProbe

private func at(_ seconds: Double) -> Timestamp { Timestamp(seconds: 1_700_000_000 + seconds) }

@Suite struct WALClockTests {
    @Test func anIdlePrimaryMakesNobodyOlder() {
        var clock = WALClock()
        for second in stride(from: 0.0, through: 3600, by: 10) { clock.note(500, at: at(second)) }
        #expect(clock.age(of: 500, at: at(3600))?.seconds == 0)
        #expect(clock.age(of: 501, at: at(3600))?.seconds == 0)
    }

    @Test func theAgeIsTheTimeSinceTheWALEndedThere() throws {
        var clock = WALClock()
        for second in stride(from: 0.0, through: 100, by: 10) { clock.note(second * 5, at: at(second)) }
        let age = try #require(clock.age(of: 260, at: at(100)))
        #expect(age.isKnown && age.seconds == 50)
        let before = try #require(clock.age(of: -1, at: at(100)))
        #expect(!before.isKnown && before.seconds == 100)
        #expect(WALClock().age(of: 1, at: at(0)) == nil)
    }

    @Test func aLongHistoryStaysWithACoarserResolution() throws {
        var clock = WALClock()
        let looks = 40 * WALClock.marksMax
        for look in 0..<looks { clock.note(Double(look), at: at(Double(look))) }
        let end = at(Double(looks - 1))
        let recent = try #require(clock.age(of: Double(looks - 101), at: end))
        #expect(recent.seconds >= 100 && recent.seconds < 110)
        let old = try #require(clock.age(of: 5000, at: end))
        let truth = Double(looks - 1 - 5000)
        #expect(old.seconds >= truth && old.seconds < truth * 1.1)
    }

    @Test func anotherServerStartsAnew() {
        var clock = WALClock()
        clock.note(1000, at: at(0))
        clock.note(10, at: at(60))
        #expect(clock.age(of: 10, at: at(60))?.seconds == 0)
    }

    @Test func aStandbyThatStandsStillBehindIsStalledAndOneThatHasAllIsNot() {
        var progress = ReplicationProgress()
        #expect(progress.step("a", replayed: 10, end: 10, at: at(0)).isBehind == false)
        #expect(progress.step("a", replayed: 10, end: 10, at: at(100)).stalledSeconds == 0)
        let first = progress.step("a", replayed: 10, end: 20, at: at(110))
        #expect(first.isBehind && !first.hasMoved && first.stalledSeconds == 10)
        #expect(progress.step("a", replayed: 10, end: 30, at: at(140)).stalledSeconds == 40)
        #expect(progress.step("a", replayed: 12, end: 30, at: at(150)).stalledSeconds == 0)
        progress.keep([])
        #expect(progress.step("a", replayed: 12, end: 30, at: at(300)).stalledSeconds == 0)
    }
}

@Suite struct LookReaderTests {
    private func rows(_ columns: [String], _ rows: [String?]...) -> PostgresRows {
        PostgresRows(columns: columns, rows: rows)
    }

    private func look(_ topic: StatisticsLook.Topic) throws -> StatisticsLook {
        try #require(StatisticsLook.all.first { $0.topic == topic })
    }

    private func value(_ values: [SeriesValue], _ metric: String, _ labels: LabelSet = LabelSet()) -> Double? {
        let found = values.filter { $0.series == Series(metric, labels) }
        return found.count == 1 ? found[0].value : nil
    }

    private func receiver(
        receives: Bool, received: Double, replayed: Double, replayAge: Double?, messageAge: Double? = 0
    ) -> PostgresRows {
        rows(
            ["streams", "receives", "received", "replayed", "replay_age", "message_age", "paused"],
            [
                "t", receives ? "t" : "f", "\(received)", "\(replayed)", replayAge.map { "\($0)" },
                receives ? messageAge.map { "\($0)" } : nil, "0",
            ])
    }

    /// The two ways in which the usual query (now less the last replayed commit) is wrong.
    @Test func anOldLastCommitIsNoLagWhenNothingLacksOrOneTransactionIsReplayed() throws {
        var reader = LookReader()
        let look = try look(.receiver)
        var values = reader.values(
            look, receiver(receives: true, received: 100, replayed: 100, replayAge: 9000), at: at(0))
        #expect(value(values, "pg_replication_lag_seconds") == 0)
        // One record of the idle primary's own is on its way: not 9010 seconds.
        values = reader.values(
            look, receiver(receives: true, received: 150, replayed: 100, replayAge: 9010), at: at(10))
        #expect(value(values, "pg_replication_lag_seconds") == 10)
        #expect(value(values, "pg_replication_lag_bytes") == 50)
        // A load of an hour without a commit, replayed as it comes.
        for step in 2...360 {
            let end = Double(step) * 1000
            values = reader.values(
                look, receiver(receives: true, received: end, replayed: end - 1, replayAge: 9000 + end / 100),
                at: at(Double(step) * 10))
        }
        #expect(value(values, "pg_replication_lag_seconds") == 10)
        #expect(value(values, "pg_replication_stalled_seconds") == 0)
    }

    @Test func aCutStreamIsALagThatGrowsAlthoughNothingReceivedLacks() throws {
        var reader = LookReader()
        let look = try look(.receiver)
        _ = reader.values(
            look, receiver(receives: true, received: 100, replayed: 100, replayAge: 5, messageAge: 2), at: at(0))
        let values = reader.values(
            look, receiver(receives: false, received: 100, replayed: 100, replayAge: 65), at: at(60))
        #expect(value(values, "pg_replication_lag_seconds") == 62)
        #expect(value(values, "pg_replication_receiving") == 0)
    }

    @Test func aSlotWithoutConsumerIsIdleSinceItWasSeenSo() throws {
        var reader = LookReader()
        let look = try look(.slots)
        let columns = ["slot", "kind", "active", "inactive", "retained"]
        let labels: LabelSet = ["slot": "s", "kind": "physical"]
        _ = reader.values(look, rows(columns, ["s", "physical", "1", nil, "0"]), at: at(0))
        _ = reader.values(look, rows(columns, ["s", "physical", "0", nil, "5"]), at: at(10))
        var values = reader.values(look, rows(columns, ["s", "physical", "0", nil, "9"]), at: at(40))
        #expect(value(values, "pg_replication_slot_inactive_seconds", labels) == 30)
        #expect(value(values, "pg_replication_slot_retained_bytes", labels) == 9)
        values = reader.values(look, rows(columns, ["s", "physical", "0", "777", "9"]), at: at(50))
        #expect(value(values, "pg_replication_slot_inactive_seconds", labels) == 777)
        values = reader.values(look, rows(columns, ["s", "physical", "1", nil, "0"]), at: at(60))
        #expect(value(values, "pg_replication_slot_inactive_seconds", labels) == 0)
    }

    @Test func wraparoundIsTheWorseOfTheTwoCounters() throws {
        var reader = LookReader()
        let values = reader.values(
            try look(.ages), rows(["datname", "xid_age", "mxid_age"], ["a", "10", "1072241823.5"], ["b", "20", "3"]),
            at: at(0))
        #expect(value(values, "pg_wraparound_ratio") == 0.5)
    }

    @Test func onlyLargeTablesCountAsBloated() throws {
        var reader = LookReader()
        let columns = ["datname", "schema", "table", "bytes", "dead_share"]
        let values = reader.values(
            try look(.tables),
            rows(columns, ["d", "s", "small", "8192", "0.9"], ["d", "s", "large", "2000000000", "0.6"]), at: at(0))
        #expect(value(values, "pg_large_table_dead_ratio") == 0.6)
    }

    @Test func aFailoverIsAnEdgeOfEachFactThatChanged() {
        var identity = ServerIdentity()
        let before = ServerIdentity(role: "primary", systemIdentifier: "7", timeline: "1", startedAt: 1000)
        let after = ServerIdentity(role: "primary", systemIdentifier: "7", timeline: "2", startedAt: 900)
        #expect(identity.take(before, at: at(0), labels: LabelSet()).isEmpty)
        #expect(identity.take(ServerIdentity(), at: at(5), labels: LabelSet()).isEmpty)
        let edges = identity.take(after, at: at(10), labels: LabelSet())
        #expect(edges.map(\.kind) == [.databaseTimelineChanged, .databaseRestarted])
        #expect(edges.first?.attributes == ["from": "1", "to": "2"])
    }
}
