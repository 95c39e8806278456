import CurlHTTP
import Notification
import ServiceLifecycle

/// Runs the outbox with what it needs: the HTTP client lives until the last send has ended, and what arrives is told to
/// the pipeline.
struct NotificationRunner: Service {
    let notifications: NotificationService
    let pipeline: Pipeline
    let client: CurlHTTPClient

    func run() async throws {
        try await notifications.run { await pipeline.noteArrival($0) }
        await client.shutdown()
    }
}

extension Heartbeat.Progress {
    /// What moves while the coordinator works.
    init(_ counters: Counters, _ outbox: NotificationService.Status) {
        self.init(ingest: counters.framesStored, detectors: counters.signalPoints, outbox: outbox.rounds)
    }
}
