import Incidents
package import Probing
package import Runbook
import Telemetry

/// PagerDuty's Events API v2: one alert for each episode, opened by its pages and resolved by its end.
///
/// The deduplication key is the episode's, so that a resend and a further page of the same episode join the alert.
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
        do throws(SecretProblem) {
            var event = Event(
                routing_key: try routingKey(), event_action: notice.purpose == .resolved ? "resolve" : "trigger",
                dedup_key: notice.episodeKey)
            if notice.purpose == .page {
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

    private static func word(_ severity: Severity) -> String {
        switch severity {
        case .p1: "critical"
        case .p2: "error"
        case .p3: "warning"
        case .p4: "info"
        }
    }
}
