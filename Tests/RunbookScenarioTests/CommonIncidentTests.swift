import Detection
import Incidents
import Signals
import Telemetry
import Testing

/// The runbook's "Common Incidents", symptom by symptom, on the shipped thresholds.
struct CommonIncidentTests {
    private typealias Control = ControlService

    @Suite("Incident: High Error Rate") struct HighErrorRate {
        @Test("Error rate > 5%")
        func errorRateAboveFivePercent() throws {
            var control = Control()
            control.probe(30) { $0.requests(failing: 1) }
            #expect(control.open.isEmpty)
            control.probe(48) { $0.requests(failing: 8) }
            #expect(control.open == ["error-rate P2"])
            let incident = try #require(control.incident("error-rate"))
            #expect(incident.title == "High error rate" || incident.title == "Raised error rate")
            #expect(incident.ledger.last?.because == "more than 5 % of requests fail")
            #expect(incident.ledger.last?.reasoning?.wouldBe.map(\.severity) == [.p1])
            control.probe(130) { $0.requests(failing: 0) }
            #expect(control.open.isEmpty)
            #expect(control.isFoldOfItsLog)
        }

        @Test("5xx responses increasing")
        func serverErrorsIncreasing() throws {
            var control = Control()
            control.probe(30) { $0.requests(failing: 0) }
            control.probe(72) { $0.requests(failing: 3) }
            #expect(control.open == ["error-rate P3"])
            control.probe(48) { $0.requests(failing: 20) }
            #expect(control.open == ["error-rate P2"])
            control.probe(48) { $0.requests(failing: 90) }
            #expect(control.open == ["error-rate P1"])
            let ledger = try #require(control.incident("error-rate")).ledger
            #expect(ledger.map(\.severity) == [.p3, .p2, .p1])
            #expect(ledger.map(\.previous) == [nil, .p3, .p2])
        }

        @Test("One failed request of a quiet service pages nobody")
        func quietService() {
            var control = Control()
            // Three requests, of which one fails; a third of twenty would be more than chance.
            control.probe(10) { $0.requests(failing: 34, perPod: 0.1) }
            control.probe(60) { $0.requests(failing: 0, perPod: 0.1) }
            #expect(control.open.isEmpty)
        }
    }

    @Suite("Incident: Database Connection Issues") struct DatabaseConnectionIssues {
        @Test("Connection timeout errors")
        func connectionTimeouts() throws {
            var control = Control()
            control.probe(12) { _ in [Control.databaseGauge("pg_up", 1)] }
            control.probe(9) { _ in [Control.databaseGauge("pg_up", 0)] }
            #expect(control.open == ["down P1"])
            #expect(control.incident("down")?.ledger.last?.because == "the database does not answer")
        }

        @Test("Connection pool exhaustion")
        func poolExhaustion() throws {
            var control = Control()
            control.probe(12) { _ in Control.gauge("hikaricp_connections_pending", 0, ["pool": "main"]) }
            control.probe(12) { _ in Control.gauge("hikaricp_connections_pending", 3, ["pool": "main"]) }
            #expect(control.open == ["connections P3"])
            control.probe(12) { _ in Control.gauge("hikaricp_connections_pending", 12, ["pool": "main"]) }
            #expect(control.open == ["connections P2"])
        }

        @Test("Slow queries")
        func slowQueries() throws {
            var control = Control()
            control.probe(6) { _ in [Control.databaseGauge("pg_longest_query_seconds", 250)] }
            #expect(control.open.isEmpty)
            control.probe(3) { _ in [Control.databaseGauge("pg_longest_query_seconds", 310)] }
            #expect(control.open == ["long-query P3"])
        }

        @Test("A database that is down takes its clients along: one root, not two pages")
        func oneRoot() throws {
            var control = Control()
            let info = Control.pods.enumerated().map { index, pod in
                Sample(
                    Series("kube_pod_info", Control.labels(pod, ["pod_ip": "10.1.0.\(index)"])),
                    Timestamp(millis: 0), 1)
            }
            let sessions = Sample(
                Series("pg_client_sessions", ["instance": "oddsmaker", "client": "10.1.0.1"]), Timestamp(millis: 0), 10)
            control.probe(30) { info + [sessions, Control.databaseGauge("pg_up", 1)] + $0.requests(failing: 0) }
            control.probe(48) { info + [Control.databaseGauge("pg_up", 0)] + $0.requests(failing: 70) }
            let roots = control.book.openIncidents.filter { $0.root == nil }
            #expect(roots.map(\.checkGroup) == ["down"])
            #expect(roots.first?.impact.workloads == [Control.service.path])
            let reason = "pod oddsmaker-control-2 (10.1.0.1) holds sessions on postgresql/oddsmaker"
            #expect(control.incident("error-rate")?.rootReasons == [reason])
        }
    }

    @Suite("Incident: High Memory Usage") struct HighMemoryUsage {
        private let app: LabelSet = ["container": "app"]

        @Test("OOM kills")
        func oomKills() throws {
            var control = Control()
            let series = Series("kube_pod_container_oom_kills_total", Control.labels(Control.pods[0], app))
            control.probe(6) { [$0.raise(series, by: 0)] }
            control.probe(1) { [$0.raise(series, by: 1)] }
            control.probe(6) { [$0.raise(series, by: 0)] }
            #expect(control.open == ["container-memory P4"])
            control.probe(1) { [$0.raise(series, by: 1)] }
            control.probe(3) { [$0.raise(series, by: 0)] }
            #expect(control.open == ["container-memory P3"])
            #expect(
                control.incident("container-memory")?.ledger.last?.because
                    == "killed for memory again within half an hour")
        }

        @Test("Pod restarts")
        func podRestarts() throws {
            var control = Control()
            let series = Control.pods.map { Series("kube_pod_container_restarts_total", Control.labels($0, app)) }
            control.probe(6) { control in series.map { control.raise($0, by: 0) } }
            for _ in 0..<3 {
                control.probe(1) {
                    [$0.raise(series[0], by: 1), $0.raise(series[1], by: 0), $0.raise(series[2], by: 0)]
                }
            }
            control.probe(2) { control in series.map { control.raise($0, by: 0) } }
            #expect(control.open == ["availability P3"])
            #expect(control.incident("availability")?.title == "Container restarts again and again")
        }

        @Test("High garbage collection")
        func highGarbageCollection() throws {
            var control = Control()
            control.probe(12) { _ in Control.gauge("jvm_gc_overhead", 0.04) }
            #expect(control.open.isEmpty)
            control.probe(42) { _ in Control.gauge("jvm_gc_overhead", 0.35) }
            #expect(control.open == ["heap P2"])
        }
    }

    @Suite("Severity Levels") struct SeverityLevels {
        @Test("P1 - Critical: service completely down")
        func completelyDown() throws {
            var control = Control()
            control.probe(12) { _ in Control.gauge("kube_pod_ready", 1) }
            control.probe(12) { _ in Control.gauge("kube_pod_ready", 0) }
            #expect(control.open == ["availability P1"])
            #expect(control.incident("availability")?.ledger.last?.because == "no replica is ready")
        }

        @Test("P3 - Medium: degraded performance, high latency")
        func highLatency() throws {
            var control = Control()
            control.probe(70) { control in
                var samples = Control.gauge("process_start_time_seconds", 1_795_000_000)
                for pod in Control.pods {
                    let labels = Control.labels(pod, ["outcome": "SUCCESS"])
                    samples.append(control.raise(Series("http_server_requests_seconds_count", labels), by: 50))
                    samples.append(control.raise(Series("http_server_requests_seconds_sum", labels), by: 90))
                }
                return samples
            }
            #expect(control.open == ["latency P3"])
        }

        @Test("P4 - Low: minor issue, workaround available")
        func minor() throws {
            var control = Control()
            control.probe(6) { _ in Control.gauge("kube_pod_ready", 1) }
            control.probe(40) { _ in
                Control.gauge("kube_pod_ready", 1).dropLast()
                    + [Sample(Series("kube_pod_ready", Control.labels(Control.pods[2])), Timestamp(millis: 0), 0)]
            }
            #expect(control.open == ["availability P4"])
            let until = control.incident("availability")?.ledger.last?.reasoning
            #expect(until?.wouldBe.first?.severity == .p3)
            control.probe(60) { _ in
                Control.gauge("kube_pod_ready", 1).dropLast()
                    + [Sample(Series("kube_pod_ready", Control.labels(Control.pods[2])), Timestamp(millis: 0), 0)]
            }
            #expect(control.open == ["availability P3"])
            #expect(control.incident("availability")?.ledger.last?.reasoning?.until?.severity == .p4)
        }
    }
}
