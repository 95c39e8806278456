import Detection
import Foundation
import Hummingbird
import Incidents
import Logging
import QueryWire
import ServiceLifecycle
import Signals
import Telemetry

/// `/healthz`, `/readyz` and `/metrics` (Prometheus text) of the coordinator itself.
struct HealthService: Service {
    let host: String
    let port: Int
    let counters: CounterBoard
    let health: StoreHealth
    let certificates: [CertificateKeeper]
    /// Nil when nobody is let in by a token.
    let tokens: TokenFigures?
    let gate: ConnectionGate
    let fleet: FleetRegistry
    let pipeline: Pipeline
    let notifications: NotificationService
    /// Nil when no cluster is watched.
    let cluster: ClusterWatchBoard?
    let logger: Logger
    let now: @Sendable () -> Timestamp

    func run() async throws {
        let router = Router()
        router.get("/healthz") { _, _ in "ok\n" }
        router.get("/readyz") { _, _ in "ok\n" }
        router.get("/metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: .init(string: self.metrics())))
        }
        let app = Application(
            router: router, configuration: .init(address: .hostname(host, port: port), serverName: "tocsin"),
            logger: logger)
        try await app.runService(gracefulShutdownSignals: [])
    }

    private func metrics() -> String {
        let counted = counters.snapshot
        let snapshot = pipeline.snapshot
        let agents = fleet.agentViews(now: now())
        var lines: [String] = []
        func add(_ name: String, _ type: String, _ value: UInt64) {
            lines.append("# TYPE tocsin_coordinator_\(name) \(type)")
            lines.append("tocsin_coordinator_\(name) \(value)")
        }
        add("frames_stored_total", "counter", counted.framesStored)
        add("frames_duplicate_total", "counter", counted.framesDuplicate)
        add("frames_rejected_total", "counter", counted.framesRejected)
        add("samples_stored_total", "counter", counted.samplesStored)
        add("samples_refused_total", "counter", counted.samplesRefused)
        add("samples_left_out_total", "counter", counted.samplesLeftOut)
        add("samples_backfilled_total", "counter", counted.samplesBackfilled)
        add("samples_lost_total", "counter", counted.samplesLost)
        add("edges_stored_total", "counter", counted.edgesStored)
        add("store_commits_total", "counter", counted.commits)
        add("store_failures_total", "counter", counted.storeFailures)
        add("store_failing", "gauge", health.fault == nil ? 0 : 1)
        add("frames_judged_unstored_total", "counter", counted.framesJudgedUnstored)
        add("store_frames_compacted_total", "counter", counted.framesCompacted)
        add("store_blocks_damaged_total", "counter", counted.blocksDamaged)
        add("signal_points_total", "counter", counted.signalPoints)
        add("findings_total", "counter", counted.findings)
        add("findings_refused_total", "counter", counted.findingsRefused)
        add("incident_events_total", "counter", counted.incidentEvents)
        add("incident_event_failures_total", "counter", counted.incidentEventFailures)
        add("target_samples_of_non_owners_total", "counter", counted.samplesOfNonOwners)
        add("target_samples_unconfirmed_total", "counter", counted.samplesUnconfirmed)
        detection(counted, snapshot, add)
        add("agents_contended_total", "counter", counted.agentsContended)
        add("requests_denied_total", "counter", counted.requestsDenied)
        add("audit_records_dropped_total", "counter", counted.auditRecordsDropped)
        add("handshakes_refused_total", "counter", counted.handshakesRefused)
        add("handshakes_overdue_total", "counter", counted.handshakesOverdue)
        add("handshakes_displaced_total", "counter", counted.handshakesDisplaced)
        add("connections_refused_total", "counter", counted.connectionsRefused)
        add("connections_displaced_total", "counter", counted.connectionsDisplaced)
        add("connections_malformed_total", "counter", counted.connectionsMalformed)
        add("connections", "gauge", UInt64(gate.count))
        add("calls_refused_total", "counter", counted.callsRefused)
        add("hellos_overdue_total", "counter", counted.hellosOverdue)
        add("certificates_reloaded_total", "counter", counted.certificatesReloaded)
        add("certificates_refused_total", "counter", counted.certificatesRefused)
        // The one that ends first: it is the one to look after.
        add(
            "certificate_expiry_timestamp_seconds", "gauge",
            UInt64(max(0, certificates.map(\.notValidAfter.timeIntervalSince1970).min() ?? 0)))
        lines += tokens?.lines ?? []
        let notices = notifications.status
        add("notices_delivered_total", "counter", notices.delivered)
        add("notice_sends_failed_total", "counter", notices.failedSends)
        add("notices_waiting", "gauge", UInt64(notices.waiting))
        add("thresholds_reloaded_total", "counter", counted.thresholdsReloaded)
        add("thresholds_refused_total", "counter", counted.thresholdsRefused)
        add("incidents_open", "gauge", UInt64(snapshot.book.openIncidents.count))
        for figure in cluster?.figures ?? [] {
            add(figure.name, figure.isCounter ? "counter" : "gauge", UInt64(max(0, figure.value)))
        }
        lines.append("# TYPE tocsin_coordinator_agents gauge")
        for state in ["live", "suspect", "silent", "contended"] {
            lines.append("tocsin_coordinator_agents{state=\"\(state)\"} \(agents.filter { $0.state == state }.count)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What becomes of signals, detectors and what they learned.
    private func detection(
        _ counted: Counters, _ snapshot: Pipeline.Snapshot, _ add: (String, String, UInt64) -> Void
    ) {
        add("models_restored_total", "counter", counted.modelsRestored)
        add("models_not_restored_total", "counter", counted.modelsNotRestored)
        add("model_files_unusable_total", "counter", counted.modelFilesUnusable)
        add("model_subjects_left_out_total", "counter", counted.modelSubjectsLeftOut)
        add("model_file_failures_total", "counter", counted.modelFileFailures)
        add("signal_samples_late_total", "counter", UInt64(snapshot.signalStatistics.late))
        add("detectors", "gauge", UInt64(snapshot.detectorStatistics.detectors))
        add("detectors_refused_total", "counter", UInt64(snapshot.detectorStatistics.refused))
        add("signal_buckets_refused_total", "counter", UInt64(snapshot.signalStatistics.bucketsRefused))
        add("signal_samples_refused_total", "counter", UInt64(snapshot.signalStatistics.refused))
        add("signal_subjects_refused_total", "counter", UInt64(snapshot.signalStatistics.subjectsRefused))
    }
}
