import ActuatorProbe
import CurlHTTP
import Foundation
import Probing
import PrometheusProbe
import Telemetry
import Testing
import TocsinTestKit

/// The probe against a real JVM.
@Suite(.timeLimit(.minutes(3)))
struct ActuatorLiveTests {
    private func withService(
        _ options: JavaService.Options = .init(), _ body: (JavaService, CurlHTTPClient) async throws -> Void
    ) async throws {
        let service = try await JavaService.start(options)
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
        _ service: JavaService, _ client: CurlHTTPClient, meters: ActuatorProbe.MeterSource = .automatic,
        deadline: Duration = .seconds(5), credentials: HTTPCredentials = .none
    ) -> ActuatorProbe {
        ActuatorProbe(
            .init(
                name: "live", baseURL: service.actuatorURL, deadline: deadline, credentials: credentials, meters: meters
            ),
            http: client)
    }

    @Test func requestsAreCountedAlikeOnBothPathsWithoutOurOwn() async throws {
        try await withService { service, client in
            for _ in 0..<20 { await service.get("/ok") }
            for _ in 0..<5 { await service.get("/boom") }
            for _ in 0..<3 { await service.get("/orders/7") }
            await service.get("/nosuch")
            let text = probe(service, client, meters: .prometheus)
            let json = probe(service, client, meters: .json)
            for _ in 0..<4 {
                for probe in [text, json] {
                    let report = await runOnce(probe)
                    #expect(report.outcome == .success)
                    #expect(report.sum("http_server_requests_seconds_count", ["outcome": "SERVER_ERROR"]) == 5)
                    #expect(report.sum("http_server_requests_seconds_count", ["outcome": "CLIENT_ERROR"]) == 1)
                    #expect(report.sum("actuator_health_up", ["target": "actuator/live"]) == 1)
                }
            }
            let exact = await runOnce(text).sum("http_server_requests_seconds_count", ["outcome": "SUCCESS"])
            #expect(exact == 23)
            let first = try #require(
                await runOnce(json).sum("http_server_requests_seconds_count", ["outcome": "SUCCESS"]))
            #expect(abs(first - 23) <= 12, "within our own requests of one run")
            let again = await runOnce(json).sum("http_server_requests_seconds_count", ["outcome": "SUCCESS"])
            #expect(again == first, "and it does not move without traffic")
            for _ in 0..<10 { await service.get("/ok") }
            let later = await runOnce(json).sum("http_server_requests_seconds_count", ["outcome": "SUCCESS"])
            #expect(later == first + 10)
        }
    }

    @Test func memoryIsTheSameOnBothPaths() async throws {
        try await withService { service, client in
            await service.get("/alloc?mb=12")
            let text = await runOnce(probe(service, client, meters: .prometheus))
            let json = await runOnce(probe(service, client, meters: .json))
            #expect(
                text.sum("jvm_memory_max_bytes", ["area": "heap"]) == json.sum("jvm_memory_max_bytes", ["area": "heap"])
            )
            let used = try #require(json.sum("jvm_memory_used_bytes", ["area": "heap"]))
            #expect(used > 12 * 1_048_576)
            let names = Set(text.samples.map(\.series.metric))
            let others = Set(json.samples.map(\.series.metric))
            // Our own requests may hide the application's maximum on this path.
            #expect(names.symmetricDifference(others).subtracting(["http_server_requests_seconds_max"]).isEmpty)
        }
    }

    @Test func withoutPrometheusTheMetersAreReadOneByOne() async throws {
        try await withService(.init(service: ["--no-prometheus"])) { service, client in
            let report = await runOnce(probe(service, client))
            #expect(report.outcome == .success)
            #expect(report.sum("jvm_threads_live_threads") ?? 0 > 5)
        }
    }

    @Test func aHangingHealthIsATimeoutWithMeters() async throws {
        try await withService { service, client in
            await service.get("/admin/hang-health?on=true")
            let probe = probe(service, client, deadline: .seconds(2))
            let first = await runOnce(probe)
            #expect(first.outcome.failureClass == .timeout)
            #expect(first.sum("jvm_threads_live_threads") != nil)
            #expect(first.sum("actuator_health_up") == nil)
            // Left out once, and said to be what it was.
            let started = ContinuousClock.now
            let second = await runOnce(probe)
            #expect(second.outcome.failureClass == .timeout)
            #expect(ContinuousClock.now - started < .milliseconds(1500))
            await service.get("/admin/hang-health?on=false")
            let third = await runOnce(probe)
            #expect(third.outcome == .success)
            #expect(third.sum("actuator_health_up") == 1)
        }
    }

    @Test func anExhaustedPoolIsNotMadeWorse() async throws {
        try await withService(.init(service: ["--pool-timeout-ms", "200"])) { service, client in
            let probe = probe(service, client)
            #expect(await runOnce(probe).sum("actuator_health_up") == 1)
            let holders = (0..<5).map { _ in Task { await service.get("/hold?ms=60000") } }
            while await runOnce(self.probe(service, client, meters: .prometheus)).sum("hikaricp_connections_active")
                != 5
            {}
            let before = await runOnce(probe)
            #expect(before.outcome == .success)
            #expect(before.sum("actuator_health_up") == 0)
            let baseline = try #require(before.sum("hikaricp_connections_timeout_total"))
            var last = before
            for _ in 0..<8 {
                last = await runOnce(probe)
                #expect(last.outcome == .success)
                #expect(last.sum("actuator_health_up") == 0, "carried on while the meters show no free connection")
            }
            let added = try #require(last.sum("hikaricp_connections_timeout_total")) - baseline
            #expect(added <= 3, "8 runs, but health was asked three times at most")
            for holder in holders { holder.cancel() }
        }
    }

    @Test func aDeadProcessIsRefusedAndAFrozenOneIsSilent() async throws {
        try await withService { service, client in
            let probe = probe(service, client, deadline: .seconds(3))
            #expect(await runOnce(probe).outcome == .success)
            service.freeze()
            let frozen = await runOnce(probe)
            #expect(frozen.outcome.failureClass == .silent)
            service.thaw()
            service.kill()
            await service.ended()
            #expect(await runOnce(probe).outcome.failureClass == .refused)
        }
    }

    @Test func aZombieIsSilent() async throws {
        try await withService { service, client in
            let probe = probe(service, client, deadline: .milliseconds(700))
            await service.get("/admin/zombie")
            for _ in 0..<2 { #expect(await runOnce(probe).outcome.failureClass == .silent) }
        }
    }

    @Test func logins() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "tocsin-password-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try await withService { service, client in
            await service.get("/admin/auth?mode=basic")
            #expect(await runOnce(probe(service, client)).outcome.failureClass == .auth)
            try Data("probe:wrong\n".utf8).write(to: file)
            let probe = probe(service, client, credentials: .basic(file: file.path))
            #expect(await runOnce(probe).outcome.failureClass == .auth)
            try Data("probe:secret\n".utf8).write(to: file)
            let right = await runOnce(probe)
            #expect(right.outcome == .success)
            #expect(right.sum("jvm_threads_live_threads") != nil)
            await service.get("/admin/auth?mode=login")
            #expect(await runOnce(probe).outcome.failureClass == .auth)
        }
    }

    @Test func aPageInsteadOfJSONIsBody() async throws {
        try await withService { service, client in
            await service.get("/admin/broken?on=true")
            #expect(await runOnce(probe(service, client)).outcome.failureClass == .body)
        }
    }

    @Test func healthDownWithAnAnswerIsAnAnswer() async throws {
        try await withService { service, client in
            await service.get("/admin/health?status=DOWN")
            let report = await runOnce(probe(service, client))
            #expect(report.outcome == .success)
            #expect(report.sum("actuator_health_up") == 0)
            #expect(report.sum("actuator_health_component_up", ["component": "orders"]) == 0)
        }
    }

    @Test func aFullHeapIsSeenComing() async throws {
        try await withService(.init(jvm: ["-Xmx48m", "-XX:+UseSerialGC"])) { service, client in
            let probe = probe(service, client)
            var fillings: [Double] = []
            for _ in 0..<8 {
                await service.get("/alloc?mb=4")
                let report = await runOnce(probe)
                #expect(report.outcome == .success)
                let used = try #require(report.sum("jvm_memory_used_bytes", ["area": "heap"]))
                let maximum = try #require(report.sum("jvm_memory_max_bytes", ["area": "heap"]))
                fillings.append(used / maximum)
            }
            #expect(try #require(fillings.last) > 0.6)
            #expect(try #require(fillings.last) > fillings[0] + 0.3)
            let collected = await runOnce(probe)
            #expect(try #require(collected.sum("jvm_gc_pause_seconds_count")) > 0)
        }
    }
}
