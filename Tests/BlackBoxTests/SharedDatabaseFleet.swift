import Foundation
import Synchronization
import TocsinTestKit

/// Several agents, each behind a relay of its own to the coordinator, and one database that the coordinator assigns.
final class SharedDatabaseFleet: Sendable {
    let lab: TocsinLab
    let database: PostgresCluster
    let nodes: [String]
    let relays: [String: LoopbackRelay]
    private let running = Mutex<[String: ChildProcess]>([:])
    private static let password = "open sesame"

    init(agents count: Int) async throws {
        nodes = (1...count).map { "node-\($0)" }
        database = try await PostgresCluster.start(.init(authentication: .scram, maxConnections: 30))
        try await database.execute(
            "CREATE ROLE tocsin LOGIN PASSWORD '\(Self.password)'; GRANT pg_monitor TO tocsin")
        lab = try await TocsinLab(nodes: nodes, cluster: "test")
        var relays: [String: LoopbackRelay] = [:]
        for node in nodes { relays[node] = try LoopbackRelay(to: lab.port) }
        self.relays = relays
        try lab.writeCoordinator(
            step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml",
            more: """
                agents: {targetLease: 6s}
                targets:
                  - cluster: test
                    databases:
                      - name: orders
                        host: 127.0.0.1
                        port: \(database.port)
                        user: tocsin
                        password: {env: ORDERS_PASSWORD}
                        sslMode: disable
                        timeout: 900ms
                        statementTimeout: 500ms
                """)
        for node in nodes {
            try lab.writeAgent(node: node, interval: "1s", probes: "", coordinatorPort: relays[node]?.port)
        }
    }

    var agents: [String: ChildProcess] { running.withLock { $0 } }

    func startAll() throws {
        for node in nodes { try start(node) }
    }

    /// Starts an agent with the right password in its environment, or with a wrong one.
    func start(_ node: String, password: String = SharedDatabaseFleet.password) throws {
        let process = try lab.startAgent(node: node, variables: ["ORDERS_PASSWORD": password])
        running.withLock { $0[node] = process }
    }

    /// Kills an agent and waits for its end.
    func kill(_ node: String) async throws {
        agents[node]?.kill()
        _ = try await agents[node]?.waitForExit()
    }

    /// Waits until an agent, not the given one, has looked at the database with success just now.
    func owner(otherThan former: String? = nil, within timeout: Duration = .seconds(60)) async throws -> String? {
        try await lab.eventually(within: timeout) { () -> String? in
            guard let pid = try await clientPID() else { return nil }
            return agents.first { $0.key != former && $0.value.pid == pid && $0.value.exit == nil }?.key
        }
    }

    /// The process behind the one session of ours at the server; nil when there is none, or more than one.
    private func clientPID() async throws -> pid_t? {
        let ports = try await database.execute(
            "SELECT client_port FROM pg_stat_activity WHERE application_name = 'tocsin'")
        guard ports.count == 1, let port = Int(ports[0]) else { return nil }
        return Self.process(ofLocalPort: port, among: agents.values.map(\.pid))
    }

    private static func process(ofLocalPort port: Int, among pids: [pid_t]) -> pid_t? {
        let suffix = ":" + String(format: "%04X", port)
        // The kernel says a size of 0, upon which a String would be read up to its first page alone.
        guard let bytes = try? FileHandle(forReadingAtPath: "/proc/net/tcp")?.readToEnd() else { return nil }
        let table = String(decoding: bytes, as: UTF8.self)
        let inodes = table.split(separator: "\n").compactMap { line -> Substring? in
            let fields = line.split(separator: " ")
            return fields.count > 9 && fields[1].hasSuffix(suffix) ? fields[9] : nil
        }
        let links = Set(inodes.map { "socket:[\($0)]" })
        return pids.first { pid in
            let folder = "/proc/\(pid)/fd"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return names.contains { name in
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")).map(links.contains)
                    ?? false
            }
        }
    }

    /// A number of the coordinator's `/metrics`.
    func coordinatorFigure(_ name: String) async throws -> Double {
        try await MetricsPage(port: lab.httpPort).figures()[name] ?? 0
    }

    func stop() async throws {
        for process in agents.values { try await process.terminate() }
        for relay in relays.values { relay.stop() }
    }
}

/// Counts our sessions at a server ten times a second, in a session of its own.
final class SessionCounter: Sendable {
    private let session: PostgresCluster.Session

    init(_ database: PostgresCluster) async throws {
        session = try await database.openSession()
        try await session.run("CREATE TABLE looks (sessions int)")
        try session.send(
            """
            DO $$ BEGIN
              FOR look IN 1..6000 LOOP
                INSERT INTO looks SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tocsin';
                COMMIT;
                PERFORM pg_stat_clear_snapshot();
                PERFORM pg_sleep(0.1);
              END LOOP;
            END $$
            """)
        self.database = database
    }

    private let database: PostgresCluster

    /// The most seen at one look.
    func most() async throws -> Int {
        try await database.execute("SELECT coalesce(max(sessions), 0) FROM looks").first.flatMap { Int($0) } ?? 0
    }

    /// Looks so far.
    func looks() async throws -> Int {
        try await database.execute("SELECT count(*) FROM looks").first.flatMap { Int($0) } ?? 0
    }

    func close() async throws { try await session.close() }
}
