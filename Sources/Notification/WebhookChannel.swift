package import Probing
package import Runbook
import Telemetry

/// Posts every notice as JSON to a URL; `Idempotency-Key` is the notice's key.
package struct WebhookChannel: NoticeChannel {
    private let url: Secret
    private let token: Secret?
    private let post: HTTPPost

    /// Makes a channel.
    ///
    /// - Parameters:
    ///   - url: where to post; a secret, since many receivers put a token into it.
    ///   - token: sent as a bearer token; nil sends none.
    package init(
        url: @escaping Secret, token: Secret? = nil, http: any HTTPFetching, trust: HTTPRequest.Trust = .system,
        timeout: Duration = .seconds(10)
    ) {
        self.url = url
        self.token = token
        post = HTTPPost(http: http, trust: trust, timeout: timeout)
    }

    /// Posts the send as one body.
    package func deliver(_ send: OutboxMachine.Send) async -> OutboxMachine.Outcome {
        do throws(SecretProblem) {
            var headers = [Label("Idempotency-Key", send.key)]
            if let token { headers.append(Label("Authorization", "Bearer \(try token())")) }
            return await post(JSONText.encode(NoticeJSON(send)), to: try url(), headers: headers)
        } catch {
            return .failed(reason: error.message, after: nil)
        }
    }
}

/// Posts to a Slack incoming webhook, or to what speaks its language.
package struct SlackChannel: NoticeChannel {
    private let url: Secret
    private let post: HTTPPost

    private struct Message: Encodable {
        var text: String
    }

    /// Makes a channel; the URL is a secret.
    package init(
        url: @escaping Secret, http: any HTTPFetching, trust: HTTPRequest.Trust = .system,
        timeout: Duration = .seconds(10)
    ) {
        self.url = url
        post = HTTPPost(http: http, trust: trust, timeout: timeout)
    }

    /// Posts the send as one message.
    package func deliver(_ send: OutboxMachine.Send) async -> OutboxMachine.Outcome {
        do throws(SecretProblem) {
            // Slack knows no keys: a duplicate after a crash is seen by its text, which holds the incident.
            let text = "*\(Self.escaped(NoticeText.headline(send)))*\n\(Self.escaped(NoticeText.body(send)))"
            return await post(JSONText.encode(Message(text: text)), to: try url())
        } catch {
            return .failed(reason: error.message, after: nil)
        }
    }

    /// The three characters that Slack's markup gives a meaning (api.slack.com, "Escaping text").
    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
