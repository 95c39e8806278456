import Foundation
import Glibc
import PostgresClient
import PostgresProbe
import Probing
import Telemetry
import Testing
import TocsinTestKit

/// Each way not to get in has its own class; one cluster that wants passwords, and ports that are no servers.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PostgresFailureClassTests {
    private static let shared = Task {
        let cluster = try await PostgresCluster.start(PostgresCluster.Configuration(authentication: .scram))
        try await cluster.execute("CREATE ROLE tocsin LOGIN PASSWORD 'tocsin password'; GRANT pg_monitor TO tocsin")
        return cluster
    }

    private func once(_ options: PostgresOptions) async -> ProbeReport {
        let probe = PostgresProbe(ProbeBench.configuration(options), loop: ProbeBench.loop)
        let clock = ContinuousClock()
        var report = ProbeReport(outcome: .success)
        let time = await clock.measure { report = await probe.round() }
        #expect(time < .seconds(4))
        await probe.close()
        return report
    }

    private func expectNothingSaidAboutTheServer(_ report: ProbeReport) {
        #expect(report.samples.isEmpty)
    }

    @Test func aPasswordFileIsReadAtEachConnect() async throws {
        let cluster = try await Self.shared.value
        let folder = try TemporaryDirectory()
        var options = ProbeBench.options(cluster)
        options.passwordFile = try folder.write("wrong password\n", to: "password")
        let probe = PostgresProbe(
            ProbeBench.configuration(options, interval: .milliseconds(100)), loop: ProbeBench.loop)
        let wrong = await probe.round()
        #expect(wrong.outcome.failureClass == .auth)
        #expect(wrong.message.contains("28P01"))
        #expect(!wrong.message.contains("wrong password"))
        expectNothingSaidAboutTheServer(wrong)
        _ = try folder.write("tocsin password\n", to: "password")
        #expect(await probe.round().outcome == .success)
        await probe.close()

        options.passwordFile = nil
        #expect(await once(options).outcome.failureClass == .auth)
        options.passwordFile = folder.path + "/none"
        let missing = await once(options)
        #expect(missing.outcome.failureClass == .internal)
        expectNothingSaidAboutTheServer(missing)
    }

    @Test func theUnixSocketWorksAndAMissingDatabaseIsNamed() async throws {
        let cluster = try await Self.shared.value
        var options = ProbeBench.options(cluster)
        options.host = cluster.socketDirectory
        #expect(await once(options).outcome == .success)
        options.database = "gone"
        let report = await once(options)
        #expect(report.outcome.failureClass == .auth)
        #expect(report.message.contains("\"gone\" does not exist"))
        options.host = cluster.socketDirectory + "/none"
        #expect(await once(options).outcome.failureClass == .refused)
    }

    @Test func tlsIsItsOwnClass() async throws {
        let cluster = try await Self.shared.value
        var options = ProbeBench.options(cluster)
        options.tlsMode = .require
        let report = await once(options)
        #expect(report.outcome.failureClass == .tls)
        expectNothingSaidAboutTheServer(report)
        options.tlsMode = .verifyFull
        options.tlsRootFile = "/nonexistent/root.pem"
        #expect(await once(options).outcome.failureClass == .tls)
    }

    @Test func aClosedPortRefuses() async throws {
        let report = await once(PostgresOptions(host: "localhost", port: try FreePort.next(), user: "x"))
        #expect(report.outcome.failureClass == .refused)
        #expect(report.value("pg_up") == 0)
    }

    @Test func anUnknownNameIsDNS() async throws {
        let report = await once(PostgresOptions(host: "db.tocsin.invalid", user: "x"))
        #expect(report.outcome.failureClass == .dns)
        expectNothingSaidAboutTheServer(report)
    }

    @Test func aMutePortIsSilent() async throws {
        let mute = try LoopbackListener()
        let report = await once(PostgresOptions(host: "127.0.0.1", port: mute.port, user: "x"))
        #expect(report.outcome.failureClass == .silent)
        #expect(report.value("pg_up") == 0)
    }

    @Test func aBlackHoleTimesOut() async throws {
        let full = try LoopbackListener(backlog: 0)
        let fillers = try (0..<4).map { _ in try full.occupy() }
        defer { for filler in fillers { _ = close(filler) } }
        // The last of them are only half open; from here on the kernel drops what asks for a connection.
        let report = await once(PostgresOptions(host: "127.0.0.1", port: full.port, user: "x"))
        #expect(report.outcome.failureClass == .timeout)
        #expect(report.value("pg_up") == 0)
    }

    @Test("something else than PostgreSQL is a body failure", arguments: [PostgresOptions.TLSMode.disable, .require])
    func notPostgres(tlsMode: PostgresOptions.TLSMode) async throws {
        let web = try LoopbackListener()
        Thread.detachNewThread { web.answerOnce(Array("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".utf8)) }
        let report = await once(PostgresOptions(host: "127.0.0.1", port: web.port, user: "x", tlsMode: tlsMode))
        #expect(report.outcome.failureClass == .body)
        expectNothingSaidAboutTheServer(report)
    }

    @Test func aLoopThatStopsEndsItsSessionsAndTakesNoMore() async throws {
        let mute = try LoopbackListener()
        let loop = PostgresEventLoop(sessionsMax: 1)
        let run = Task { await Result { () async throws(PostgresFailure) in try await loop.run() } }
        let options = PostgresOptions(host: "127.0.0.1", port: mute.port, user: "x")
        var opened: PostgresSession?
        try await ProbeBench.eventually("the loop runs") {
            opened = try? PostgresSession.open(options, on: loop)
            return opened != nil
        }
        let session = try #require(opened)
        #expect(throws: PostgresFailure.self) { try PostgresSession.open(options, on: loop) }
        let waiting = Task { await session.ready(deadline: .now + .seconds(30)) }
        run.cancel()
        #expect(await waiting.value?.failureClass == .internal)
        _ = await run.value
        await loop.join()
        #expect(throws: PostgresFailure.self) { try PostgresSession.open(options, on: loop) }
        #expect(session.isClosed)
    }
}

extension Result where Success == Void {
    /// The outcome of an asynchronous call.
    fileprivate init(_ body: () async throws(Failure) -> Void) async {
        do throws(Failure) {
            try await body()
            self = .success(())
        } catch {
            self = .failure(error)
        }
    }
}
