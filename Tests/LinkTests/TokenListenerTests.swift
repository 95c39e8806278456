import AgentApp
import Foundation
import GRPCCore
import KubeletReplay
import Logging
import SwiftProtobuf
import Telemetry
import Testing
import TocsinProto
import TocsinTestKit

/// The listener for callers with tokens of a coordinator process: who is let in, who is not, and what is said of it.
@Suite(.serialized)
struct TokenListenerTests {
    private struct AuditRecord: Decodable, Sendable {
        var user: String
        var role: String
        var call: String
        var outcome: String
        var reason: String?
    }

    private static let connect = Tocsin_V1_Ingest.Method.descriptors[0]

    private func method(_ name: String) throws -> MethodDescriptor {
        try #require(Tocsin_V1_Query.Method.descriptors.first { $0.method == name })
    }

    @Test("Bad tokens are refused with a clear status and counted by reason; refused changes are in the audit log")
    func refusals() async throws {
        let tokens = try await TokenLab(nodes: ["node-a"])
        let coordinator = try await tokens.startCoordinator()
        let status = try method("GetStatus")
        func refused(_ token: String?, _ call: MethodDescriptor) async throws -> RPCError? {
            try await tokens.caller(token: token).outcome(of: call)
        }
        typealias Claims = TokenIssuer.Claims
        let none = try await refused(nil, status)
        #expect(none?.code == .unauthenticated && none?.message == "a token is needed: 'authorization: Bearer TOKEN'")
        let expired = try await refused(try tokens.issuer.token(Claims("viewer", lifetime: -1)), status)
        #expect(expired?.code == .unauthenticated && expired?.message.contains("has expired") == true)
        let other = try await refused(try tokens.issuer.token(Claims("viewer", audiences: ["vault"])), status)
        #expect(other?.code == .unauthenticated && other?.message == "the token is not for the audience tocsin")
        let forged = try await refused(try TokenIssuer().token(Claims("viewer")), status)
        #expect(forged?.code == .unauthenticated && forged?.message.contains("invalid bearer token") == true)
        let unbound = try await refused(try tokens.issuer.token(Claims("tocsin-agent")), Self.connect)
        #expect(unbound?.code == .permissionDenied && unbound?.message.contains("bound to no pod") == true)
        let notAgent = try await refused(try tokens.issuer.token(Claims("viewer")), Self.connect)
        #expect(notAgent?.code == .permissionDenied && notAgent?.message == "the ingest service takes agents alone")

        // A viewer and a stranger try to change something.
        let change = try method("AddSilence")
        let viewer = try await refused(try tokens.issuer.token(Claims("viewer")), change)
        #expect(viewer?.message == "system:serviceaccount:tocsin:viewer is a viewer; this needs a responder")
        let stranger = try await refused(try tokens.issuer.token(Claims("stranger")), change)
        #expect(stranger?.message == "system:serviceaccount:tocsin:stranger has no role here")
        let audit = try await tokens.lab.json([AuditRecord].self, ["audit"])
        #expect(
            audit.map { "\($0.user) \($0.role) \($0.call) \($0.outcome)" } == [
                "system:serviceaccount:tocsin:viewer viewer AddSilence denied",
                "system:serviceaccount:tocsin:stranger  AddSilence denied",
            ])

        // With the API server away: who is known goes on for a while, others are told to come again.
        let known = try tokens.issuer.token(Claims("viewer"))
        #expect(try await refused(known, status) == nil)
        tokens.server.fail(.status(503, "away"), .create)
        let away = try await refused(try tokens.issuer.token(Claims("viewer", lifetime: 60)), status)
        #expect(away?.code == .unavailable && away?.message.contains("gives no answer about tokens") == true)

        let figures = try await tokens.figures()
        for (reason, count) in [
            "missing": 1.0, "expired": 1, "audience": 1, "invalid": 1, "unbound": 1, "unavailable": 1,
        ] {
            #expect(figures["tokens_refused_total{reason=\"\(reason)\"}"] == count, "\(reason)")
        }
        #expect(figures["requests_denied_total"] == 3)
        #expect(figures["authority_published"] == 1)
        #expect(!coordinator.lines.contains { $0.contains(known) }, "no token is logged")
        try await coordinator.terminate()
        try await tokens.server.stop()
    }

    @Test("An agent whose token is another node's is refused at its hello, and its samples are nobody's")
    func anotherNode() async throws {
        let tokens = try await TokenLab()
        let coordinator = try await tokens.startCoordinator()
        var agent = RawAgent(lab: tokens.lab, node: "node-a")
        agent.caller = try await tokens.caller(token: try tokens.agentToken(node: "node-b"))
        let stolen = try await agent.exchange([agent.hello(last: 0)]) { !$0.answers.isEmpty }
        #expect(stolen.error == .permissionDenied && stolen.answers.isEmpty)
        agent.caller = try await tokens.caller(token: try tokens.agentToken(node: "node-a"))
        let own = try await agent.exchange([agent.hello(last: 0)]) { !$0.answers.isEmpty }
        #expect(own.error == nil && own.answers.count == 1)
        let figures = try await tokens.figures()
        #expect(figures["frames_rejected_total"] == 1 && figures["requests_denied_total"] == 1)
        try await coordinator.terminate()
        try await tokens.server.stop()
    }

    @Test("A stream ends when its pod is gone and when its token ends, and goes on while the API server is away")
    func standingStreams() async throws {
        let tokens = try await TokenLab(keepFor: "1s")
        let coordinator = try await tokens.startCoordinator()
        func stream(_ token: String) async throws -> (RawAgent.Outcome, Duration) {
            var agent = RawAgent(lab: tokens.lab, node: "node-a")
            agent.caller = try await tokens.caller(token: token)
            let start = ContinuousClock.now
            let outcome = try await agent.exchange([agent.hello(last: 0)]) { _ in false }
            return (outcome, start.duration(to: .now))
        }
        async let revoked = stream(try tokens.agentToken(pod: "gone"))
        async let ending = stream(try tokens.agentToken(lifetime: 8))
        let isWelcome = try await tokens.lab.eventually(within: .seconds(10)) {
            coordinator.lines.count { $0.contains("agent connected") } >= 2 ? true : nil
        }
        #expect(isWelcome == true)
        tokens.server.remove("gone")
        let first = try await revoked
        #expect(first.0.error == .unauthenticated && first.0.answers.count == 1)
        // From here the API server says nothing of anybody: the other goes on to its token's own end.
        tokens.server.fail(.status(503, "away"), .create)
        let second = try await ending
        #expect(second.0.error == .unauthenticated && second.0.answers.count == 1)
        #expect(second.1 > .seconds(5), "\(second.1)")
        #expect(try await tokens.figures()["token_reviews_failed_total"] ?? 0 >= 1)
        try await coordinator.terminate()
        try await tokens.server.stop()
    }

    @Test("A link takes up a replaced token and loses no sample; an agent process and the command line do with tokens")
    func agentsAndUsers() async throws {
        let tokens = try await TokenLab()
        let lab = tokens.lab
        let coordinator = try await tokens.startCoordinator()
        let roots = try await tokens.publishedAuthority()
        let file = try lab.folder.write(try tokens.agentToken(lifetime: 12) + "\n", to: "agent.token")
        var configuration = AgentFeed.Configuration(
            cluster: TokenLab.cluster, node: "node-a", host: "127.0.0.1", port: tokens.tokenPort, certificateFile: "",
            keyFile: "", trustRootsFile: roots, spoolDirectory: lab.path("feed"))
        configuration.tokenFile = file
        let feed = try AgentFeed(configuration, logger: Logger(label: "feed") { _ in SwiftLogNoOpLogHandler() })
        let sent = try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                try await feed.run()
                return 0
            }
            var number = 0
            let end = ContinuousClock.now + .seconds(16)
            while ContinuousClock.now < end {
                let now = Timestamp(seconds: Date().timeIntervalSince1970)
                await feed.record([Sample(Series("token_test", ["node": "node-a"]), now, Double(number))])
                number += 1
                // Half way through the first token's life the next one lies in its place, as a kubelet puts it there.
                if number == 30 {
                    try (tokens.agentToken() + "\n").write(toFile: file, atomically: true, encoding: .utf8)
                }
                try await Task.sleep(for: .milliseconds(200))
            }
            let isDone = try await lab.eventually(within: .seconds(10)) {
                await feed.unacknowledged == 0 ? true : nil
            }
            #expect(isDone == true)
            group.cancelAll()
            return number
        }
        let values = try await SampleQuery(lab: lab).points("token_test", since: "10m").map(\.value)
        #expect(values == (0..<sent).map(Double.init))
        let figures = try await tokens.figures()
        #expect(figures["tokens_accepted_total"] ?? 0 >= 2)
        #expect(
            figures["tokens_refused_total{reason=\"expired\"}"] == 0, "the new token was shown before the old one's end"
        )
        #expect(figures["samples_lost_total"] == 0)
        try await expectProcesses(tokens, tokenFile: file, roots: roots)
        try await coordinator.terminate()
        try await tokens.server.stop()
    }

    @Test("Our own certificates' ends are series, and one that ends soon is a finding of level P4")
    func ownCertificates() async throws {
        let tokens = try await TokenLab()
        let lab = tokens.lab
        try await ChildProcess.run(
            "\(lab.binaries)/tocsin",
            [
                "tls", "issue", "agent", lab.path("tls"), "--cluster", TokenLab.cluster, "--node", "node-a", "--days",
                "10",
            ]
                + ["--force"])
        try lab.writeAgent(node: "node-a", interval: "1s", probes: "")
        let coordinator = try await tokens.startCoordinator()
        let agent = try lab.startAgent(node: "node-a")
        let incident = try await lab.eventually(within: .seconds(60)) {
            try await lab.incidents().first { $0.checkGroup == "certificate" }
        }
        #expect(
            incident?.severity == "P4" && incident?.subject == "target/agent/node-a", "\(String(describing: incident))")
        let now = Date().timeIntervalSince1970
        for (target, days) in [("agent/node-a", 10.0), ("coordinator/certificates", 365), ("coordinator/tokens", 90)] {
            let points = try await SampleQuery(lab: lab).points(
                "probe_tls_certificate_expiry_seconds{target=\"\(target)\"}", since: "5m")
            let left = ((points.last?.value ?? 0) - now) / 86_400
            #expect(abs(left - days) < 0.1, "\(target): \(left)")
        }
        try await agent.terminate()
        try await coordinator.terminate()
        try await tokens.server.stop()
    }

    private func expectProcesses(_ tokens: TokenLab, tokenFile: String, roots: String) async throws {
        let lab = tokens.lab
        _ = try lab.folder.write(
            """
            kind: agent
            cluster: \(TokenLab.cluster)
            node: node-a
            coordinator:
              endpoint: 127.0.0.1:\(tokens.tokenPort)
              tokenFile: \(tokenFile)
              caFile: \(roots)
            dataDirectory: agent-node-a
            interval: 1s
            http: {listen: "127.0.0.1:\(try FreePort.next())"}
            host: {enabled: false}
            """, to: "agent-node-a.yaml")
        let agent = try lab.startAgent(node: "node-a")
        let viewer = try tokens.issuer.token(TokenIssuer.Claims("viewer"))
        let hasSamples = try await lab.eventually(within: .seconds(30)) {
            try await SampleQuery(lab: lab).points(#"tocsin_agent_targets{node="node-a"}"#, since: "5m").isEmpty
                ? nil : true
        }
        #expect(hasSamples == true)
        let status = try await tokens.tocsin(["status"], token: viewer)
        #expect(status.exit == .code(0) && status.text.contains("1 live"), "\(status.text)")
        let denied = try await tokens.tocsin(["incident", "ack", "INC-1"], token: viewer)
        #expect(denied.exit == .code(5))
        let late = try tokens.issuer.token(TokenIssuer.Claims("viewer", lifetime: -1))
        let refused = try await tokens.tocsin(["status"], token: late)
        #expect(refused.exit == .code(5) && refused.text.contains("has expired"), "\(refused.text)")
        let doctor = try ChildProcess(
            "\(lab.binaries)/tocsin-agent", ["doctor", "--config", lab.path("agent-node-a.yaml")],
            directory: lab.folder.path)
        _ = try await doctor.waitForExit()
        #expect(doctor.lines.contains { $0.contains("takes this agent's token") }, "\(doctor.lines)")
        // The listener speaks TLS 1.3 with what is ours.
        let shown = try await ChildProcess.run(
            "/usr/bin/openssl",
            [
                "s_client", "-connect", "127.0.0.1:\(tokens.tokenPort)", "-alpn", "h2", "-CAfile", roots,
                "-verify_return_error",
            ])
        #expect(shown.contains { $0.contains("TLSv1.3") })
        try await agent.terminate()
    }
}
