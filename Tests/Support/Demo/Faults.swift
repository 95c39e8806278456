import Foundation
import KubeletReplay
import Synchronization
import TocsinTestKit

/// The seven faults of the demo, in order.
struct Faults {
    let stage: DemoStage

    private var service: String { DemoStage.serviceSubject }
    private var database: String { DemoStage.databaseSubject }

    func all() -> [Fault] {
        [errors(), slowness(), heap(), outOfMemory(), lockStorm(), connections(), databaseKilled()]
    }

    private func errors() -> Fault {
        let traffic = stage.traffic
        return Fault(
            title: "30 % of requests answered with 500", expected: [.init(service, "error-rate")],
            allowed: [],
            provoke: { traffic.fail(share: 0.3) },
            undo: { traffic.fail(share: 0) })
    }

    private func slowness() -> Fault {
        let traffic = stage.traffic
        return Fault(
            title: "80 % of requests take 2.5 s", expected: [.init(service, "latency")], allowed: [],
            provoke: { traffic.slow(share: 0.8) },
            undo: { traffic.slow(share: 0) })
    }

    private func heap() -> Fault {
        let traffic = stage.traffic
        return Fault(
            title: "the heap fills", expected: [.init(service, "heap")],
            // A JVM short of memory answers slowly, and requests fail with OutOfMemoryError.
            allowed: [.init(service, "latency"), .init(service, "error-rate")],
            provoke: {
                // In steps, until the live set is well above the threshold.
                for _ in 0..<16 { await traffic.get("/alloc?mb=5") }
                await traffic.get("/churn?mb=200")
            },
            undo: {
                await traffic.get("/free")
                // The live set after collection is known only after a collection.
                await traffic.get("/churn?mb=400")
            })
    }

    private func outOfMemory() -> Fault {
        let stage = stage
        return Fault(
            title: "a container is killed for memory (replayed)",
            expected: [.init(stage.victimSubject, "container-memory")],
            allowed: [.init(stage.victimSubject, "availability")],
            provoke: {
                try stage.kubelet.edit { try $0.oomKill(pod: stage.victim.pod, container: stage.victim.container) }
            },
            undo: {})
    }

    private func lockStorm() -> Fault {
        let cluster = stage.database
        let sessions = Mutex<[PostgresCluster.Session]>([])
        return Fault(
            title: "a lock storm behind an open transaction, and a long query",
            expected: [.init(database, "locks"), .init(database, "long-query")],
            allowed: [],
            provoke: {
                let blocker = try await cluster.openSession(applicationName: "batch")
                try await blocker.run("BEGIN")
                try await blocker.run("UPDATE accounts SET balance = balance - 1 WHERE id = 1")
                sessions.withLock { $0.append(blocker) }
                for _ in 0..<6 {
                    let waiter = try await cluster.openSession(applicationName: "orders")
                    try waiter.send("UPDATE accounts SET balance = balance + 1 WHERE id = 1")
                    sessions.withLock { $0.append(waiter) }
                }
                let report = try await cluster.openSession(applicationName: "report")
                try report.send("SELECT pg_sleep(600)")
                sessions.withLock { $0.append(report) }
            },
            undo: {
                try await cluster.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('batch', 'orders', 'report')"
                )
                for session in sessions.withLock({ $0 }) { try await session.close() }
            })
    }

    private func connections() -> Fault {
        let cluster = stage.database
        let sessions = Mutex<[PostgresCluster.Session]>([])
        return Fault(
            title: "nearly all connection slots taken", expected: [.init(database, "connections")], allowed: [],
            provoke: {
                // 20 slots, 3 of them reserved, one the probe's.
                for _ in 0..<16 {
                    let session = try await cluster.openSession(applicationName: "pool")
                    sessions.withLock { $0.append(session) }
                }
            },
            undo: {
                for session in sessions.withLock({ $0 }) { try await session.close() }
            })
    }

    private func databaseKilled() -> Fault {
        let cluster = stage.database
        return Fault(
            title: "the database is killed (kill -9)", expected: [.init(database, "down")],
            allowed: [.init(database, "probe")],
            provoke: { try await cluster.kill9() },
            undo: { try await cluster.start() })
    }
}
