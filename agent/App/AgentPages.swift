import ConfigurationKit
import Logging
import NIOHTTP1
import Synchronization

/// Whether the agent's own probe runs: it goes through the runner as all others do, so that a stuck runner shows.
final class AgentPulse: Sendable {
    private let silenceMax: Duration
    private let startedAt = ContinuousClock.now
    private let lastBeat = Mutex<ContinuousClock.Instant?>(nil)

    /// Makes a pulse that counts as stopped after this long without a beat.
    init(silenceMax: Duration) {
        self.silenceMax = silenceMax
    }

    func beat() { lastBeat.withLock { $0 = .now } }

    /// Whether there was a beat yet.
    var hasBegun: Bool { lastBeat.withLock { $0 != nil } }

    /// False when there was no beat for too long; the time before the first counts from the start.
    var isAlive: Bool { (lastBeat.withLock { $0 } ?? startedAt).duration(to: .now) < silenceMax }
}

/// What the agent answers at `http.listen`.
struct AgentPages: Sendable {
    let pulse: AgentPulse
    let figures: @Sendable () async -> AgentFigures

    /// Serves the pages at an address.
    func listener(_ address: HostPort, logger: Logger) -> HTTPListener {
        HTTPListener(address: address, logger: logger, page: page)
    }

    @Sendable private func page(_ path: String) async -> HTTPListener.Page? {
        switch path {
        case "/healthz":
            pulse.isAlive ? HTTPListener.Page(body: "ok\n") : unavailable("no probe has run for too long\n")
        case "/readyz":
            pulse.hasBegun && pulse.isAlive ? HTTPListener.Page(body: "ok\n") : unavailable("no probe has run yet\n")
        case "/metrics":
            HTTPListener.Page(
                contentType: "text/plain; version=0.0.4; charset=utf-8", body: await figures().exposition)
        default: nil
        }
    }

    private func unavailable(_ reason: String) -> HTTPListener.Page {
        HTTPListener.Page(status: .serviceUnavailable, body: reason)
    }
}
