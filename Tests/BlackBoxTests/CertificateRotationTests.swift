import Foundation
import Testing
import TocsinTestKit

/// Certificates that change under running daemons.
@Suite(.serialized)
struct CertificateRotationTests {
    private static let reloaded = "certificate and trust roots reloaded"

    /// The serial number of the certificate that the coordinator shows, as OpenSSL prints it.
    private func servedSerial(_ lab: TocsinLab) async throws -> String {
        let shown = try await ChildProcess.run(
            "/usr/bin/openssl",
            [
                "s_client", "-connect", "127.0.0.1:\(lab.port)", "-alpn", "h2", "-tls1_3", "-CAfile",
                lab.path("tls/ca.crt"), "-cert", lab.path("tls/user-oncall.crt"), "-key",
                lab.path("tls/user-oncall.key"),
            ])
        #expect(shown.contains { $0.contains("TLSv1.3") })
        let first = try #require(shown.firstIndex { $0.contains("-----BEGIN CERTIFICATE-----") })
        let last = try #require(shown.firstIndex { $0.contains("-----END CERTIFICATE-----") })
        let path = try lab.folder.write(shown[first...last].joined(separator: "\n") + "\n", to: "served.crt")
        return try await serial(path)
    }

    private func serial(_ path: String) async throws -> String {
        try await ChildProcess.run("/usr/bin/openssl", ["x509", "-in", path, "-noout", "-serial"]).joined()
    }

    @Test("A pair and a trust root that change under load are taken up; no connection ends and no sample is lost")
    func rotation() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: DatabaseFleet.node)
        try #require(try await fleet.waitUntilProbed(within: .seconds(60)))
        let before = try await servedSerial(lab)
        #expect(try await before == serial(lab.path("tls/coordinator.crt")))

        // A user of another authority is no user yet.
        try await ChildProcess.run(
            "\(lab.binaries)/tocsin", ["tls", "init", lab.path("other"), "--user", "eve", "--role", "viewer"])
        let asEve = [
            "status", "--cert", lab.path("other/user-eve.crt"), "--key", lab.path("other/user-eve.key"), "--timeout",
            "5s",
        ]
        #expect(try await lab.tocsin(asEve).exit == .code(4))

        var line = coordinator.lines.count
        try await ChildProcess.run(
            "\(lab.binaries)/tocsin", ["tls", "renew", lab.path("tls"), "--all", "--name", "coordinator"])
        try await coordinator.waitForLine(containing: Self.reloaded, from: line, timeout: .seconds(30))
        let after = try await servedSerial(lab)
        #expect(try await after == serial(lab.path("tls/coordinator.crt")))
        #expect(after != before)

        line = coordinator.lines.count
        let roots = try ["tls/ca.crt", "other/ca.crt"].map { try String(contentsOfFile: lab.path($0), encoding: .utf8) }
        try roots.joined().write(toFile: lab.path("tls/ca.crt"), atomically: true, encoding: .utf8)
        try await coordinator.waitForLine(containing: Self.reloaded, from: line, timeout: .seconds(30))
        #expect(try await lab.tocsin(asEve).exit == .code(0))

        // What cannot be used changes nothing.
        line = coordinator.lines.count
        try "nothing".write(toFile: lab.path("tls/coordinator.crt"), atomically: true, encoding: .utf8)
        try await coordinator.waitForLine(containing: "certificate files not usable", from: line, timeout: .seconds(30))
        #expect(try await lab.tocsin(asEve).exit == .code(0))
        #expect(try await servedSerial(lab) == after)

        let state = try #require(try await lab.agents().first)
        #expect(state.state == "live" && state.lostSamplesTotal == 0)
        #expect(agent.lines.filter { $0.contains("no connection to the coordinator") }.isEmpty)
        try await agent.terminate()
        try await coordinator.terminate()
    }
}
