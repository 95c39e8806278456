import ActuatorProbe
import CurlHTTP
import Foundation
import Probing
import PrometheusProbe
import Synchronization
import Telemetry
import Testing
import TocsinTestKit

/// Logins from the audit events of a real JVM.
@Suite(.timeLimit(.minutes(3)))
struct ActuatorLoginTests {
    /// Marks that outlive a probe, as the agent's file does.
    private final class Marks: LoginMarkKeeping {
        private let marks = Mutex<[String: LoginTally.Mark]>([:])

        func mark(of target: String) async -> LoginTally.Mark? { marks.withLock { $0[target] } }

        func keep(_ mark: LoginTally.Mark, of target: String) async {
            // Through the form in which the agent's file has them.
            let data = try? JSONEncoder().encode(mark)
            let kept = data.flatMap { try? JSONDecoder().decode(LoginTally.Mark.self, from: $0) }
            marks.withLock { $0[target] = kept }
        }
    }

    private static let identity: LabelSet = [
        "namespace": "shop", "workload": "Deployment/shop", "pod": "shop-1", "node": "node-1",
    ]

    private func withService(
        _ options: [String] = ["--auditevents"], _ body: (JavaService, CurlHTTPClient) async throws -> Void
    ) async throws {
        let service = try await JavaService.start(.init(service: options))
        let client = CurlHTTPClient()
        do {
            try await body(service, client)
        } catch {
            service.kill()
            await client.shutdown()
            throw error
        }
        service.kill()
        await client.shutdown()
    }

    private func probe(
        _ service: JavaService, _ client: CurlHTTPClient, marks: Marks? = nil, credentials: HTTPCredentials = .none,
        readsLogins: Bool = true
    ) -> ActuatorProbe {
        ActuatorProbe(
            .init(
                name: "live", baseURL: service.actuatorURL, labels: Self.identity, credentials: credentials,
                readsLogins: readsLogins), http: client, marks: marks)
    }

    /// One look at the time that it is: events are told apart from history by their times.
    private func look(_ probe: ActuatorProbe) async -> ProbeReport {
        await probe.run(startedAt: Timestamp(seconds: Date().timeIntervalSince1970))
    }

    private func logins(_ report: ProbeReport) -> [String] {
        report.edges.map { edge in
            let (account, address) = (edge.attributes["account"] ?? "-", edge.attributes["address"] ?? "-")
            return "\(edge.kind.rawValue) \(account) \(address) \(edge.count)"
        }
    }

    @Test func loginsComeOnceInTheirOrderWithAccountAndAddress() async throws {
        try await withService { service, client in
            await service.get("/admin/login?user=before&times=3")
            let probe = probe(service, client)
            let first = await look(probe)
            #expect(first.outcome == .success && first.edges.isEmpty, "what was before the probe is history")
            #expect(first.sum("login_failures_total") == 0)
            await service.get("/admin/login?user=alice&from=10.0.0.9&times=4")
            await service.get("/admin/audit?type=ORDER_PLACED")
            await service.get("/admin/login?user=alice&from=10.0.0.9&ok=true&session=s1")
            await service.get("/admin/login?user=bob&from=0:0:0:0:0:0:0:1")
            let second = await look(probe)
            #expect(
                logins(second) == [
                    "login_failed alice 10.0.0.9 4", "login_succeeded alice 10.0.0.9 1", "login_failed bob ::1 1",
                ])
            #expect(second.edges.allSatisfy { $0.labels == Self.identity })
            let third = await look(probe)
            #expect(third.edges.isEmpty, "the overlap of two looks adds nothing")
            #expect(third.sum("login_failures_total") == 5 && third.sum("login_successes_total") == 1)
            #expect(third.sum("login_account_failures_total", ["account": "alice"]) == 4)
            #expect(third.sum("login_address_failures_total", ["address": "10.0.0.9"]) == 4)
            #expect(third.sum("login_log_gaps_total") == 0)
        }
    }

    @Test func aProbeThatFollowsGoesOnWhereTheLastOneEnded() async throws {
        try await withService { service, client in
            let marks = Marks()
            let first = probe(service, client, marks: marks)
            _ = await look(first)
            var seen = 0
            await service.get("/admin/login?user=a&times=5")
            seen += await look(first).edges.reduce(0) { $0 + $1.count }
            await first.close()
            await service.get("/admin/login?user=b&times=7")
            let second = probe(service, client, marks: marks)
            let found = await look(second)
            #expect(logins(found) == ["login_failed b 10.1.2.3 7"], "neither the five again nor the seven left out")
            #expect(found.sum("login_failures_total") == 7)
            await service.get("/admin/login?user=c&times=2")
            // Killed, not closed: what its last look found may be read again, and nothing is left out.
            _ = await look(second)
            let third = probe(service, client, marks: marks)
            #expect(Set(logins(await look(third))).contains("login_failed c 10.1.2.3 2"))
        }
    }

    @Test func moreThanTheRepositoryHoldsIsAGapThatIsCounted() async throws {
        try await withService { service, client in
            let probe = probe(service, client)
            _ = await look(probe)
            await service.get("/admin/login?user=a&times=3")
            _ = await look(probe)
            await service.get("/admin/login?user=b&times=1500")
            let report = await look(probe)
            #expect(logins(report) == ["login_failed b 10.1.2.3 1000"])
            #expect(report.sum("login_log_gaps_total") == 1)
            #expect(await look(probe).sum("login_log_gaps_total") == 1)
        }
    }

    @Test func whatIsNotExposedIsNotAskedForAgain() async throws {
        try await withService([]) { service, client in
            let probe = probe(service, client)
            for _ in 0..<2 {
                let report = await look(probe)
                #expect(report.outcome == .success && report.remarks.isEmpty)
                #expect(report.all("login_failures_total").isEmpty)
            }
            let missing = await look(probe).sum("http_server_requests_seconds_count", ["status": "404"])
            #expect(missing == nil, "the list of links tells")
        }
    }

    @Test func itCanBeSwitchedOff() async throws {
        try await withService { service, client in
            let probe = probe(service, client, readsLogins: false)
            _ = await look(probe)
            await service.get("/admin/login?user=a")
            let report = await look(probe)
            #expect(report.edges.isEmpty && report.all("login_failures_total").isEmpty)
        }
    }

    @Test func theProbesOwnLoginsAreNone() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "tocsin-password-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("probe:secret\n".utf8).write(to: file)
        try await withService { service, client in
            await service.get("/admin/auth?mode=basic")
            let denied = await look(probe(service, client))
            #expect(denied.remarks == ["Logins could not be read: /auditevents needs credentials (status 302)."])
            let probe = probe(service, client, credentials: .basic(file: file.path))
            _ = await look(probe)
            _ = await look(probe)
            await service.get("/admin/login?user=probe&from=10.6.6.6")
            let report = await look(probe)
            #expect(logins(report) == ["login_failed probe 10.6.6.6 1"], "a guess at its password is one")
            #expect(report.sum("login_successes_total") == 0)
        }
    }

    @Test func anAnswerThatIsTooLongIsPassedOverByHalves() async throws {
        // A repository of the application's own that keeps more than fits.
        let event =
            #"{"timestamp":"2026-11-28T09:00:00Z","principal":"a","type":"AUTHENTICATION_FAILURE","data":{"x":"#
            + "\"\(String(repeating: "x", count: 1000))\"}}"
        let long = Array(("{\"events\":[" + Array(repeating: event, count: 2500).joined(separator: ",") + "]}").utf8)
        let server = try CannedHTTPServer { request in
            func answer(_ body: [UInt8], status: String = "200 OK") -> CannedHTTPServer.Answer {
                let head =
                    "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
                return .bytes(Array(head.utf8) + body)
            }
            if request.path.contains("/auditevents") {
                let isLate = request.path.contains("after=2026-11-28T09:0")
                return answer(isLate ? Array(#"{"events":[]}"#.utf8) : long)
            }
            if request.path.hasSuffix("/health") { return answer(Array(#"{"status":"UP"}"#.utf8)) }
            return answer(Array(), status: "404 Not Found")
        }
        defer { server.stop() }
        let client = CurlHTTPClient()
        let probe = ActuatorProbe(.init(name: "long", baseURL: server.url + "/actuator"), http: client)
        let start = try #require(Timestamp(rfc3339: "2026-11-28T08:58:00Z"))
        var remarks: [String] = []
        var last: ProbeReport?
        for second in stride(from: 0, through: 600, by: 10) {
            let report = await probe.run(startedAt: start + .seconds(second))
            remarks += report.remarks.filter { $0.contains("passed over") }
            last = report
        }
        #expect(!remarks.isEmpty)
        #expect(last?.sum("login_log_gaps_total") == Double(remarks.count))
        #expect(last?.remarks.isEmpty == true, "and then it goes on")
        await client.shutdown()
    }
}
