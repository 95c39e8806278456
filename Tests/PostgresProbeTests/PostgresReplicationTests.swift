import PostgresClient
import PostgresProbe
import Probing
import Telemetry
import Testing
import TocsinTestKit

/// A primary and its standby, both probed, through what happens to such pairs.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PostgresReplicationTests {
    /// How the primary sees the standby, which comes over the Unix socket.
    private let replica: LabelSet = ["standby": "replica", "client": "local"]
    private let slot: LabelSet = ["slot": "replica_slot", "kind": "physical"]

    private struct Pair {
        var primary: PostgresCluster
        var standby: PostgresCluster
        var ofPrimary: PostgresProbe
        var ofStandby: PostgresProbe

        static func start() async throws -> Pair {
            let primary = try await ProbeBench.cluster()
            try await primary.execute("CREATE TABLE bets (id bigint, note text)")
            let standby = try await primary.startStandby(name: "replica", slot: "replica_slot")
            return Pair(
                primary: primary, standby: standby, ofPrimary: ProbeBench.thoroughProbe(primary),
                ofStandby: ProbeBench.thoroughProbe(standby))
        }

        func write(rows: Int) async throws {
            try await primary.execute(
                "INSERT INTO bets SELECT i, repeat('x', 200) FROM generate_series(1, \(rows)) i")
        }

        func end() async throws {
            await ofPrimary.close()
            await ofStandby.close()
            try await standby.stop()
            try await primary.stop()
        }
    }

    @Test func lagIsThereWhileReplayStandsStillAndGoneOnceItHasCaughtUp() async throws {
        let pair = try await Pair.start()
        try await pair.write(rows: 20_000)
        try await ProbeBench.eventually("the standby has all", within: .seconds(60)) {
            let (primary, standby) = (await pair.ofPrimary.round(), await pair.ofStandby.round())
            return primary.value("pg_replication_lag_bytes", replica) == 0
                && primary.value("pg_replication_lag_seconds", replica) == 0
                && standby.value("pg_replication_lag_bytes") == 0 && standby.value("pg_in_recovery") == 1
        }
        let healthy = await pair.ofPrimary.round()
        #expect(healthy.value("pg_replication_standbys") == 1)
        #expect(healthy.value("pg_replication_streaming", replica) == 1)
        #expect(healthy.value("pg_replication_slot_active", slot) == 1)
        #expect(healthy.value("pg_replication_slot_inactive_seconds", slot) == 0)

        try await pair.standby.execute("SELECT pg_wal_replay_pause()")
        try await pair.write(rows: 20_000)
        try await ProbeBench.eventually("both see that replay stands still", within: .seconds(60)) {
            let (primary, standby) = (await pair.ofPrimary.round(), await pair.ofStandby.round())
            return (primary.value("pg_replication_stalled_seconds", replica) ?? 0) > 1
                && (primary.value("pg_replication_lag_seconds", replica) ?? 0) > 1
                && (primary.value("pg_replication_lag_bytes", replica) ?? 0) > 1_000_000
                && (standby.value("pg_replication_stalled_seconds") ?? 0) > 1
                && (standby.value("pg_replication_lag_bytes") ?? 0) > 1_000_000
                && standby.value("pg_replay_paused") == 1
        }
        try await pair.standby.execute("SELECT pg_wal_replay_resume()")
        try await ProbeBench.eventually("the standby has all again", within: .seconds(60)) {
            let (primary, standby) = (await pair.ofPrimary.round(), await pair.ofStandby.round())
            return primary.value("pg_replication_lag_seconds", replica) == 0
                && primary.value("pg_replication_stalled_seconds", replica) == 0
                && standby.value("pg_replication_lag_seconds") == 0
        }
        try await pair.end()
    }

    @Test func anIdlePrimaryIsNoLag() async throws {
        let pair = try await Pair.start()
        try await pair.write(rows: 10)
        let age = "SELECT extract(epoch FROM now() - pg_last_xact_replay_timestamp()) > 3"
        try await ProbeBench.eventually("the usual query says three seconds", within: .seconds(60)) {
            let standby = await pair.ofStandby.round()
            _ = await pair.ofPrimary.round()
            let isOld = try await pair.standby.execute(age) == ["t"]
            return isOld && standby.value("pg_replication_lag_bytes") == 0
        }
        for _ in 0..<5 {
            let (primary, standby) = (await pair.ofPrimary.round(), await pair.ofStandby.round())
            // A running-transactions record may be on its way: then the lag is the time since the look before.
            #expect((standby.value("pg_replication_lag_seconds") ?? 99) < 2)
            #expect((primary.value("pg_replication_lag_seconds", replica) ?? 99) < 2)
            #expect((primary.value("pg_replication_stalled_seconds", replica) ?? 99) < 2)
        }
        try await pair.end()
    }

    @Test func aCrashedPrimaryIsALagOfTheStandbyAndItsPromotionAnEdge() async throws {
        let pair = try await Pair.start()
        try await ProbeBench.eventually("the stream is up", within: .seconds(60)) {
            await pair.ofStandby.round().value("pg_replication_receiving") == 1
        }
        try await pair.primary.kill9()
        try await ProbeBench.eventually("the standby misses its primary", within: .seconds(60)) {
            let standby = await pair.ofStandby.round()
            return standby.value("pg_replication_receiving") == 0
                && (standby.value("pg_replication_lag_seconds") ?? 0) > 1
        }
        try await pair.standby.execute("SELECT pg_promote()")
        var edges: [Edge] = []
        try await ProbeBench.eventually("the standby is a primary", within: .seconds(60)) {
            let report = await pair.ofStandby.round()
            edges += report.edges
            return report.value("pg_in_recovery") == 0 && edges.count >= 2
        }
        // The promotion may come between two statements of one round.
        #expect(Set(edges.map(\.kind)) == [.databaseRoleChanged, .databaseTimelineChanged] && edges.count == 2)
        let role = edges.first { $0.kind == .databaseRoleChanged }
        let timeline = edges.first { $0.kind == .databaseTimelineChanged }
        #expect(role?.attributes == ["from": "standby", "to": "primary"])
        #expect(timeline?.attributes == ["from": "1", "to": "2"])
        let after = await pair.ofStandby.round()
        #expect(after.edges.isEmpty)
        #expect(after.value("pg_timeline") == 2)
        #expect(after.value("pg_replication_lag_seconds") == nil)
        await pair.ofPrimary.close()
        await pair.ofStandby.close()
        try await pair.standby.stop()
    }

    @Test func aSlotWithoutConsumerHoldsMoreAndMoreWAL() async throws {
        let pair = try await Pair.start()
        try await pair.standby.stop()
        try await ProbeBench.eventually("the slot has no consumer", within: .seconds(60)) {
            let report = await pair.ofPrimary.round()
            return report.value("pg_replication_slot_active", slot) == 0
                && report.value("pg_replication_standbys") == 0
        }
        let before = try #require(await pair.ofPrimary.round().value("pg_replication_slot_retained_bytes", slot))
        try await pair.write(rows: 50_000)
        try await ProbeBench.eventually("it is without for a second", within: .seconds(60)) {
            (await pair.ofPrimary.round().value("pg_replication_slot_inactive_seconds", slot) ?? 0) > 1
        }
        let after = await pair.ofPrimary.round()
        let retained = try #require(after.value("pg_replication_slot_retained_bytes", slot))
        #expect(retained > before + 5_000_000)
        let folder = try #require(after.value("pg_wal_folder_bytes"))
        #expect(folder >= 16_777_216)
        await pair.ofPrimary.close()
        await pair.ofStandby.close()
        try await pair.primary.stop()
    }
}
