import Foundation
import TocsinTestKit

/// The built binaries against one real PostgreSQL, probed every second.
struct DatabaseFleet: Sendable {
    static let node = "node-a"

    let lab: TocsinLab
    let database: PostgresCluster

    /// - Parameter agent: YAML at the top level of the agent's file.
    init(agent: String = "") async throws {
        database = try await PostgresCluster.start(.init(maxConnections: 20))
        try await database.execute("CREATE ROLE tocsin LOGIN; GRANT pg_monitor TO tocsin")
        lab = try await TocsinLab(nodes: [Self.node], cluster: "test")
        try lab.writeCoordinator(
            step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        try lab.writeAgent(
            node: Self.node, interval: "1s",
            probes: """
                databases:
                  - name: orders
                    host: 127.0.0.1
                    port: \(database.port)
                    database: postgres
                    user: tocsin
                    sslMode: disable
                \(agent)
                """)
    }

    /// Waits until the database's last probe succeeded.
    func waitUntilProbed(within timeout: Duration = .seconds(20)) async throws -> Bool {
        try await lab.eventually(within: timeout) {
            try await lab.targets().contains { $0.id.hasPrefix("postgresql/") && $0.outcome == "success" } ? true : nil
        } ?? false
    }

    /// Times and values of a series, raw, of the last `since`.
    func samples(_ selector: String, since: String = "10m") async throws -> [(time: Double, value: Double)] {
        try await SampleQuery(lab: lab).points(selector, since: since)
    }
}
