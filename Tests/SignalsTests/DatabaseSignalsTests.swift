import Signals
import Telemetry
import Testing

@Suite struct DatabaseSignalsTests {
    private let labels: LabelSet = ["instance": "orders-db"]

    private func points(_ values: [String: Double]) -> [SignalName: SignalPoint] {
        var engine = SignalEngine()
        for (metric, value) in values { engine.feed(metric, labels, 3, value) }
        let points = engine.advance(to: at(10))
        #expect(points.allSatisfy { $0.subject == database })
        return Dictionary(uniqueKeysWithValues: points.map { ($0.signal, $0) })
    }

    @Test func connectionsAgainstThoseThatClientsMayHave() {
        let points = points([
            "pg_up": 1, "pg_connection_slots_exhausted": 0, "pg_settings_max_connections": 100,
            "pg_settings_reserved_connections": 3, "pg_client_connections": 80,
        ])
        #expect(points[.connectionRatio]?.value == 80.0 / 97)
        #expect(points[.databaseUp]?.value == 1)
    }

    @Test func aServerThatRefusesForLackOfSlotsIsFull() {
        let points = points(["pg_up": 1, "pg_connection_slots_exhausted": 1])
        #expect(points[.connectionRatio]?.value == 1)
        #expect(points[.databaseUp]?.value == 1)
    }

    @Test func aServerThatIsDownSaysNothingElse() {
        var engine = SignalEngine()
        for cell in 0..<2 {
            engine.feed("pg_up", labels, Double(cell) * 10 + 3, cell == 0 ? 1 : 0)
            if cell == 0 { engine.feed("pg_locks_waiting", labels, 3, 4) }
        }
        let points = engine.advance(to: at(20)).filter { $0.at == at(20) }
        #expect(points.first { $0.signal == .databaseUp }?.value == 0)
        #expect(points.first { $0.signal == .lockWaiters }?.value == nil)
        #expect(points.first { $0.signal == .lockWaiters }?.coverage == Coverage(present: 0, expected: 1))
    }

    @Test func queriesAndLocks() {
        let points = points([
            "pg_longest_query_seconds": 312.5, "pg_longest_idle_in_transaction_seconds": 40, "pg_locks_waiting": 3,
            "pg_longest_lock_wait_seconds": 61,
        ])
        #expect(points[.longestQuerySeconds]?.value == 312.5)
        #expect(points[.idleInTransactionSeconds]?.value == 40)
        #expect(points[.lockWaiters]?.value == 3)
        #expect(points[.longestLockWaitSeconds]?.value == 61)
    }

    @Test func replicationSlotsAndMaintenance() {
        let points = points([
            "pg_standbys_worst_lag_seconds": 12, "pg_replication_lag_seconds": 3,
            "pg_standbys_worst_stalled_seconds": 4,
            "pg_slots_worst_retained_bytes": 1e9, "pg_slots_worst_inactive_seconds": 60, "pg_archiver_failing": 1,
            "pg_wraparound_ratio": 0.2, "pg_large_table_dead_ratio": 0.6,
        ])
        #expect(points[.replicationLagSeconds]?.value == 12)
        #expect(points[.replicationStalledSeconds]?.value == 4)
        #expect(points[.slotRetainedBytes]?.value == 1e9)
        #expect(points[.slotInactiveSeconds]?.value == 60)
        #expect(points[.archiverFailing]?.value == 1)
        #expect(points[.wraparoundRatio]?.value == 0.2)
        #expect(points[.deadRowRatio]?.value == 0.6)
    }

    /// One standby's own series would stay a finding for ever once the standby is gone.
    @Test func theSeriesOfOneStandbyIsNoSignal() {
        var engine = SignalEngine()
        engine.feed("pg_replication_lag_seconds", labels.merging(["standby": "replica"]), 3, 500)
        #expect(engine.advance(to: at(10)).isEmpty)
    }

    @Test func deadlocksAndRollbacksAreCountedOverAllDatabases() throws {
        var engine = SignalEngine()
        for (cell, counts) in [(0, (100.0, 10.0, 7.0)), (1, (190, 20, 9)), (2, (5, 1, 0))] {
            for datname in ["orders", "bets"] {
                let labels = labels.merging(["datname": datname])
                let time = Double(cell) * 10 + 3
                engine.feed("pg_stat_database_xact_commit", labels, time, counts.0)
                engine.feed("pg_stat_database_xact_rollback", labels, time, counts.1)
                engine.feed("pg_stat_database_deadlocks", labels, time, counts.2)
            }
        }
        let points = engine.advance(to: at(30))
        // The first values are a base line: what was counted before is old.
        #expect(!points.contains { $0.at == at(10) && $0.value != nil })
        let second = points.filter { $0.at == at(20) }
        #expect(second.first { $0.signal == .deadlocks }?.value == 4)
        let ratio = try #require(second.first { $0.signal == .rollbackRatio })
        #expect(ratio.value == 0.1 && ratio.volume == 200)
        // Statistics that were reset start at 0.
        let third = points.filter { $0.at == at(30) }
        #expect(third.first { $0.signal == .deadlocks }?.value == 0)
        #expect(third.first { $0.signal == .rollbackRatio }?.volume == 12)
    }

    @Test func pagesThatAreDamagedCheckpointsAndTheCache() throws {
        var engine = SignalEngine()
        // Failures, checkpoints timed and asked for, blocks hit and read.
        let looks = [(0, (0.0, 5.0, 1.0, 900.0, 100.0)), (1, (2, 6, 4, 1700, 300)), (2, (2, 6, 4, 1700, 300))]
        for (cell, counts) in looks {
            let time = Double(cell) * 10 + 3
            engine.feed("pg_checkpoints_timed_total", labels, time, counts.1)
            engine.feed("pg_checkpoints_requested_total", labels, time, counts.2)
            for datname in ["orders", "bets"] {
                let labels = labels.merging(["datname": datname])
                engine.feed("pg_stat_database_checksum_failures", labels, time, counts.0)
                engine.feed("pg_stat_database_blks_hit", labels, time, counts.3)
                engine.feed("pg_stat_database_blks_read", labels, time, counts.4)
            }
        }
        let points = engine.advance(to: at(30))
        func point(_ signal: SignalName, _ seconds: Double) -> SignalPoint? {
            points.first { $0.signal == signal && $0.at == at(seconds) }
        }
        #expect(point(.checksumFailures, 20)?.value == 4 && point(.checksumFailures, 30)?.value == 0)
        let checkpoints = try #require(point(.checkpointRequestedRatio, 20))
        #expect(checkpoints.value == 0.75 && checkpoints.volume == 4)
        #expect(point(.checkpointRequestedRatio, 30)?.volume == 0, "most cells have no checkpoint")
        let misses = try #require(point(.cacheMissRatio, 20))
        #expect(misses.value == 0.2 && misses.volume == 2000)
    }

    @Test func aServerWithoutChecksumsCountsNone() {
        var engine = SignalEngine()
        for cell in 0..<2 {
            engine.feed("pg_stat_database_xact_commit", labels, Double(cell) * 10 + 3, Double(cell))
        }
        let signals = Set(engine.advance(to: at(20)).map(\.signal))
        #expect(signals.contains(.deadlocks))
        #expect(signals.isDisjoint(with: [.checksumFailures, .checkpointRequestedRatio, .cacheMissRatio]))
    }

    @Test func aSlotThatIsLostCountsUntilItIsDropped() {
        var engine = SignalEngine()
        engine.feed("pg_replication_slot_lost", labels.merging(["slot": "a", "kind": "physical"]), 3, 0)
        engine.feed("pg_replication_slot_lost", labels.merging(["slot": "b", "kind": "logical"]), 3, 1)
        #expect(engine.points(.slotLost, until: 10).map(\.value) == [1])
        engine.feed("pg_replication_slot_lost", labels.merging(["slot": "a", "kind": "physical"]), 13, 0)
        engine.feed(
            "pg_replication_slot_lost", labels.merging(["slot": "b", "kind": "logical"]), 13, StaleMarker.value)
        #expect(engine.points(.slotLost, until: 20).map(\.value) == [0])
    }

    @Test func twoProbersDuringAHandOverAreOneInstance() {
        var engine = SignalEngine()
        engine.feed("pg_up", labels, 3, 1, agent: "node-1")
        engine.feed("pg_up", labels, 4, 1, agent: "node-2")
        #expect(engine.advance(to: at(10)).map(\.coverage) == [Coverage(present: 1, expected: 1)])
    }

    @Test func theWorstTargetIsTheSubjects() throws {
        var engine = SignalEngine()
        engine.feed("probe_up", podLabels("a").merging(["target": "actuator/a"]), 3, 1)
        engine.feed("probe_up", podLabels("b").merging(["target": "actuator/b"]), 3, 0)
        let point = try #require(engine.points(.probeUp, until: 10).last)
        #expect(point.subject == orders)
        #expect(point.value == 0)
        #expect(point.contributions.map(\.contributor) == ["actuator/b", "actuator/a"])
    }
}
