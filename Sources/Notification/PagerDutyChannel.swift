import Incidents
package import Probing
package import Runbook
import Telemetry

/// PagerDuty's Events API v2: one alert for each episode, opened by its pages, acknowledged and resolved with it.
///
/// The deduplication key is the episode's, so that a resend and a further page of the same episode join the alert. A
/// call after an acknowledgement begins another alert and resolves the one before, since PagerDuty notifies nobody of
/// what joins an acknowledged one.
package struct PagerDutyChannel: NoticeChannel {
    /// Where PagerDuty takes events.
    package static let endpoint = "https://events.pagerduty.com/v2/enqueue"

    private let url: String
    private let routingKey: Secret
    private let post: HTTPPost

    private struct Event: Encodable {
        var routing_key: String
        var event_action: String
        var dedup_key: String
        var payload: Payload?
    }

    private struct Payload: Encodable {
        var summary: String
        var source: String
        var severity: String
        var timestamp: String
        var component: String
        var custom_details: [String: String]
    }

    /// Makes a channel.
    package init(
        url: String = endpoint, routingKey: @escaping Secret, http: any HTTPFetching,
        trust: HTTPRequest.Trust = .system, timeout: Duration = .seconds(10)
    ) {
        self.url = url
        self.routingKey = routingKey
        post = HTTPPost(http: http, trust: trust, timeout: timeout)
    }

    /// A digest is sent as its events, one by one; the first that fails ends it, and a resend repeats those before,
    /// which join the alerts that they opened.
    package func deliver(_ send: OutboxMachine.Send) async -> OutboxMachine.Outcome {
        for entry in send.entries {
            // A message to stakeholders is no alert.
            guard entry.notice.purpose != .message else { continue }
            let outcome = await deliver(entry.notice)
            guard outcome == .delivered else { return outcome }
        }
        return .delivered
    }

    private func deliver(_ notice: Notice) async -> OutboxMachine.Outcome {
        let keys = notice.alertKeys
        let current = keys.suffix(1).map { key in (Self.action(notice.purpose), key) }
        let former = keys.dropLast().map { key in ("resolve", key) }
        // The new alert first: if only one of two gets through, somebody is called.
        let events =
            switch notice.purpose {
            case .page: current + former.suffix(1)
            case .resolved: former + current
            case .acknowledged, .message: current
            }
        for (action, key) in events {
            let outcome = await post(action, key, notice)
            guard outcome == .delivered else { return outcome }
        }
        return .delivered
    }

    private func post(_ action: String, _ key: String, _ notice: Notice) async -> OutboxMachine.Outcome {
        do throws(SecretProblem) {
            var event = Event(routing_key: try routingKey(), event_action: action, dedup_key: key)
            if action == Self.action(.page) {
                event.payload = Payload(
                    // PagerDuty cuts nothing: a longer summary is refused.
                    summary: String(
                        "[\(notice.severity)] \(notice.incident) \(notice.title): \(notice.subject)".prefix(1024)),
                    source: notice.subject, severity: Self.word(notice.severity),
                    timestamp: JSONText.time(notice.openedAt), component: notice.cluster,
                    custom_details: ["text": notice.text, "page": notice.key])
            }
            return await post(JSONText.encode(event), to: url)
        } catch {
            return .failed(reason: error.message, after: nil)
        }
    }

    private static func action(_ purpose: Notice.Purpose) -> String {
        switch purpose {
        case .page, .message: "trigger"
        case .acknowledged: "acknowledge"
        case .resolved: "resolve"
        }
    }

    private static func word(_ severity: Severity) -> String {
        switch severity {
        case .p1: "critical"
        case .p2: "error"
        case .p3: "warning"
        case .p4: "info"
        }
    }
}
