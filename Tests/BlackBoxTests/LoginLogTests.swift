import Foundation
import Testing
import TocsinTestKit

/// Logins in real log files: agent, coordinator and command line as processes.
@Suite(.serialized)
struct LoginLogTests {
    private static let container = "pods/iam_keycloak-7d9c5b8f6d-x2v9q_2afe1723-b5a2-4d34-87e4-dac6072b8f0c/keycloak"
    private static let owner = "namespace=\"iam\",workload=\"Deployment/keycloak\""

    private let lab: TocsinLab

    init() async throws {
        lab = try await TocsinLab(nodes: ["node-a"], cluster: "test")
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        try lab.writeAgent(
            node: "node-a", interval: "1s",
            probes: """
                logs:
                  directory: pods
                  files:
                    - {name: auth, path: auth.log}
                  logins:
                    - {namespace: iam, workload: Deployment/keycloak, format: keycloak}
                    - {log: auth, format: sshd}
                """)
        try FileManager.default.createDirectory(
            atPath: lab.path(Self.container), withIntermediateDirectories: true)
    }

    private func append(_ lines: [String], to name: String) throws {
        let file = lab.path(name)
        if !FileManager.default.fileExists(atPath: file) { try Data().write(to: URL(filePath: file)) }
        let handle = try FileHandle(forWritingTo: URL(filePath: file))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// Keycloak's line of a login, as the container runtime writes it; secrets beside must stay where they are.
    private func keycloak(_ account: String, _ address: String, failed: Bool) -> String {
        let type = failed ? "LOGIN_ERROR" : "LOGIN"
        let error = failed ? "error=\"invalid_user_credentials\", " : ""
        let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        return
            "\(time) stdout F 2026-11-24 22:38:00,123 WARN  [org.keycloak.events] (executor-thread-1) type=\"\(type)\", "
            + "realmId=\"m\", userId=\"4f960adf\", ipAddress=\"\(address)\", \(error)code_id=\"8a6becd6\", "
            + "username=\"\(account)\""
    }

    private func failures(reach count: Double, _ labels: String) async throws -> Bool {
        try await lab.eventually(within: .seconds(30)) {
            let points = try await SampleQuery(lab: lab).points("login_failures_total{\(labels)}", since: "1h")
            return points.last?.value == count ? true : nil
        } == true
    }

    /// Waits until an agent that was started at a time has looked at its logs.
    private func looked(since start: Date) async throws -> Bool {
        try await lab.eventually(within: .seconds(30)) {
            let points = try await SampleQuery(lab: lab).points("log_read_bytes_total", since: "1h")
            return (points.last?.time ?? 0) > start.timeIntervalSince1970 ? true : nil
        } == true
    }

    private func incident(_ subject: String, saying sentence: String) async throws -> TocsinLab.Incident? {
        try await lab.eventually(within: .seconds(30)) {
            for incident in try await lab.incidents() where incident.subject == subject {
                let text = try await lab.tocsin(["incident", "show", incident.id]).text
                if text.contains(sentence) { return incident }
            }
            return nil
        }
    }

    @Test(
        "Guessing, brute force and spraying are found in logs, through a rotation and a killed agent, each login once")
    func attacks() async throws {
        let log = Self.container + "/0.log"
        try append((0..<30).map { _ in keycloak("historic", "192.0.2.1", failed: true) }, to: log)
        try append([], to: "auth.log")
        let coordinator = try await lab.startCoordinator()
        var start = Date()
        var agent = try lab.startAgent(node: "node-a")
        #expect(try await looked(since: start))

        // Four failures, an agent that is killed, four more, and a success: eight, if none is lost or taken twice.
        for _ in 0..<4 { try append([keycloak("ana@example.com", "192.0.2.7", failed: true)], to: log) }
        #expect(try await failures(reach: 4, Self.owner))
        agent.kill()
        _ = try await agent.waitForExit()
        start = Date()
        agent = try lab.startAgent(node: "node-a")
        #expect(try await looked(since: start))
        for _ in 0..<4 { try append([keycloak("ana@example.com", "192.0.2.7", failed: true)], to: log) }
        try append([keycloak("ana@example.com", "192.0.2.9", failed: false)], to: log)
        let workload = "iam/Deployment/keycloak"
        let guessed = try await incident(workload, saying: "after 8 failures in a row")
        #expect(guessed?.checkGroup == "login-abuse" && guessed?.family == "security" && guessed?.severity == "P2")

        // Twenty failures, half of them before a rotation.
        for _ in 0..<10 { try append([keycloak("bo", "192.0.2.8", failed: true)], to: log) }
        try FileManager.default.moveItem(atPath: lab.path(log), toPath: lab.path(log + ".20261124-223800"))
        for _ in 0..<10 { try append([keycloak("bo", "192.0.2.8", failed: true)], to: log) }
        #expect(try await incident(workload, saying: "20 failed logins of") != nil)
        #expect(try await failures(reach: 24, Self.owner))

        // One address, many accounts: of the node, whose file it is.
        let spray = (0..<12).map {
            "Nov 24 22:38:00 host sshd[\($0)]: Failed password for invalid user u\($0) from 198.51.100.4 port 5 ssh2"
        }
        try append(spray, to: "auth.log")
        let sprayed = try await incident("node/node-a", saying: "198.51.100.4 failed on 12 accounts")
        #expect(sprayed?.checkGroup == "login-abuse")
        #expect(try await failures(reach: 12, "log=\"auth\""))

        for incident in try await lab.incidents() {
            let text = try await lab.tocsin(["incident", "show", incident.id]).text
            #expect(!text.contains("historic") && !text.contains("8a6becd6"), "\(text)")
        }
        try await agent.terminate()
        try await coordinator.terminate()
    }
}
