import Detection
import Foundation
import Hummingbird
import Incidents
import Logging
import Notification
import QueryWire
import ServiceLifecycle
import Signals
import Telemetry

/// `/healthz`, `/readyz` and `/metrics` (Prometheus text) of the coordinator itself.
///
/// `/healthz` names what stands still: there a restart helps. `/readyz` says whether agents and users can connect.
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
    let writer: StoreWriter
    /// The gRPC listeners that there are to be.
    let listeners: [AddressBox]
    let notifications: NotificationService
    /// Nil when no cluster is watched.
    let cluster: ClusterWatchBoard?
    let logger: Logger
    let now: @Sendable () -> Timestamp

    func run() async throws {
        let watch = ProgressWatch(start: progress)
        let router = Router()
        router.get("/healthz") { _, _ in
            Self.verdict(watch.stuck.map { "\($0.part) stands still for \($0.time.inSeconds) s" })
        }
        router.get("/readyz") { _, _ in
            Self.verdict(listeners.allSatisfy(\.isOpen) ? [] : ["not listening for agents and users"])
        }
        router.get("/metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: .init(string: self.metrics())))
        }
        let app = Application(
            router: router, configuration: .init(address: .hostname(host, port: port), serverName: "tocsin"),
            logger: logger)
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await follow(watch) }
            try await app.runService(gracefulShutdownSignals: [])
            group.cancelAll()
        }
    }

    private var progress: Heartbeat.Progress {
        Heartbeat.Progress(
            ingest: writer.progress.finished, detectors: pipeline.rounds, outbox: notifications.status.rounds)
    }

    private func follow(_ watch: ProgressWatch) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: watch.interval)
            watch.look(progress, hasWaitingFrames: writer.progress.hasWaiting)
        }
    }

    private static func verdict(_ faults: [String]) -> Response {
        let text = faults.isEmpty ? "ok\n" : faults.map { $0 + "\n" }.joined()
        return Response(
            status: faults.isEmpty ? .ok : .serviceUnavailable,
            headers: [.contentType: "text/plain; charset=utf-8"], body: .init(byteBuffer: .init(string: text)))
    }

    private func metrics() -> String {
        let counted = counters.snapshot
        let snapshot = pipeline.snapshot
        let agents = fleet.agentViews(now: now())
        var page = Exposition()
        page.add("frames_stored_total", .counter, counted.framesStored)
        page.add("frames_duplicate_total", .counter, counted.framesDuplicate)
        page.add("frames_rejected_total", .counter, counted.framesRejected)
        page.add("samples_stored_total", .counter, counted.samplesStored)
        page.add("samples_refused_total", .counter, counted.samplesRefused)
        page.add("samples_left_out_total", .counter, counted.samplesLeftOut)
        page.add("samples_backfilled_total", .counter, counted.samplesBackfilled)
        page.add("samples_lost_total", .counter, counted.samplesLost)
        page.add("edges_stored_total", .counter, counted.edgesStored)
        page.add("store_commits_total", .counter, counted.commits)
        page.add("store_failures_total", .counter, counted.storeFailures)
        page.add("store_failing", .gauge, health.fault == nil ? 0 : 1)
        page.add("frames_judged_unstored_total", .counter, counted.framesJudgedUnstored)
        page.add("store_frames_compacted_total", .counter, counted.framesCompacted)
        page.add("store_blocks_damaged_total", .counter, counted.blocksDamaged)
        page.add(
            "databases_set_aside_total", .counter,
            DatabaseFile.allCases.map { ("{file=\"\($0.rawValue)\"}", counted.databasesSetAside[$0] ?? 0) })
        page.add("signal_points_total", .counter, counted.signalPoints)
        page.add("cells_stored_total", .counter, counted.cellsStored)
        page.add("cells_lost_total", .counter, counted.cellsLost)
        page.add("cell_bytes_stored_total", .counter, counted.cellBytesStored)
        page.add("cell_store_failures_total", .counter, counted.cellStoreFailures)
        page.add("cell_subjects_left_out_total", .counter, counted.cellSubjectsLeftOut)
        page.add("findings_total", .counter, counted.findings)
        page.add("findings_refused_total", .counter, counted.findingsRefused)
        page.add("incident_events_total", .counter, counted.incidentEvents)
        page.add("incident_event_failures_total", .counter, counted.incidentEventFailures)
        page.add("incident_events_damaged_total", .counter, counted.incidentEventsDamaged)
        page.add("target_samples_of_non_owners_total", .counter, counted.samplesOfNonOwners)
        page.add("target_samples_unconfirmed_total", .counter, counted.samplesUnconfirmed)
        page.add("models_restored_total", .counter, counted.modelsRestored)
        page.add("models_not_restored_total", .counter, counted.modelsNotRestored)
        page.add("model_files_unusable_total", .counter, counted.modelFilesUnusable)
        page.add("model_subjects_left_out_total", .counter, counted.modelSubjectsLeftOut)
        page.add("model_file_failures_total", .counter, counted.modelFileFailures)
        page.add("agents_contended_total", .counter, counted.agentsContended)
        let figures = fleet.figures
        page.add("agents_refused_total", .counter, figures.refused)
        page.add("agents_forgotten_total", .counter, figures.forgotten)
        addCallers(counted, to: &page)
        let notices = notifications.status
        page.add("notices_delivered_total", .counter, notices.delivered)
        page.add("notice_sends_failed_total", .counter, notices.failedSends)
        page.add("notices_waiting", .gauge, UInt64(notices.waiting))
        page.add("thresholds_reloaded_total", .counter, counted.thresholdsReloaded)
        page.add("thresholds_refused_total", .counter, counted.thresholdsRefused)
        page.add("incidents_open", .gauge, UInt64(snapshot.book.openIncidents.count))
        page.add("signal_samples_late_total", .counter, UInt64(snapshot.signalStatistics.late))
        page.add("detectors", .gauge, UInt64(snapshot.detectorStatistics.detectors))
        page.add("detectors_refused_total", .counter, UInt64(snapshot.detectorStatistics.refused))
        page.add("signal_buckets_refused_total", .counter, UInt64(snapshot.signalStatistics.bucketsRefused))
        page.add("signal_samples_refused_total", .counter, UInt64(snapshot.signalStatistics.refused))
        page.add("signal_subjects_refused_total", .counter, UInt64(snapshot.signalStatistics.subjectsRefused))
        for figure in cluster?.figures ?? [] {
            page.add(figure.name, figure.isCounter ? .counter : .gauge, UInt64(max(0, figure.value)))
        }
        page.add(
            "agents", .gauge,
            ["live", "suspect", "silent", "contended"].map { state in
                ("{state=\"\(state)\"}", UInt64(agents.count { $0.state == state }))
            })
        return page.text
    }

    /// Who was let in, who was not, and why.
    private func addCallers(_ counted: Counters, to page: inout Exposition) {
        page.add("requests_denied_total", .counter, counted.requestsDenied)
        page.add("audit_records_dropped_total", .counter, counted.auditRecordsDropped)
        page.add("handshakes_refused_total", .counter, counted.handshakesRefused)
        page.add("handshakes_outdated_total", .counter, counted.handshakesOutdated)
        page.add("handshakes_overdue_total", .counter, counted.handshakesOverdue)
        page.add("handshakes_displaced_total", .counter, counted.handshakesDisplaced)
        page.add("connections_refused_total", .counter, counted.connectionsRefused)
        page.add("connections_displaced_total", .counter, counted.connectionsDisplaced)
        page.add("connections_malformed_total", .counter, counted.connectionsMalformed)
        page.add("connections", .gauge, UInt64(gate.count))
        page.add("calls_refused_total", .counter, counted.callsRefused)
        page.add("hellos_overdue_total", .counter, counted.hellosOverdue)
        page.add("certificates_reloaded_total", .counter, counted.certificatesReloaded)
        page.add("certificates_refused_total", .counter, counted.certificatesRefused)
        // The one that ends first: it is the one to look after.
        page.add(
            "certificate_expiry_timestamp_seconds", .gauge,
            UInt64(max(0, certificates.map(\.notValidAfter.timeIntervalSince1970).min() ?? 0)))
        tokens?.write(to: &page)
    }
}
