import Foundation
import Probing
import Runbook
import Telemetry

/// Posts JSON, and reads what the receiver's answer means for the outbox.
struct HTTPPost: Sendable {
    let http: any HTTPFetching
    let trust: HTTPRequest.Trust
    let timeout: Duration

    func callAsFunction(
        _ json: [UInt8], to url: String, headers: [Label] = []
    ) async -> OutboxMachine.Outcome {
        let request = HTTPRequest(
            url: url, headers: [Label("Content-Type", "application/json")] + headers, body: json,
            connectTimeout: min(timeout, .seconds(5)), totalTimeout: timeout, bodyBytesMax: 64 << 10, trust: trust,
            // On a connection from before, curl would by itself post again when the receiver has just closed it.
            usesFreshConnection: true)
        switch await http.fetch(request) {
        case .failure(let failure): return .failed(reason: failure.message, after: nil)
        case .response(let response): return Self.outcome(response)
        }
    }

    /// 2xx is taken; what says "later" or "my fault" is tried again; anything else would be refused again.
    ///
    /// 408, 425 and 429 and the 5xx are the codes that RFC 9110, 8470 and 6585 define for "again".
    static func outcome(_ response: HTTPResponse) -> OutboxMachine.Outcome {
        switch response.status {
        case 200..<300: return .delivered
        case 408, 425, 429, 500..<600:
            return .failed(reason: "HTTP \(response.status)", after: response.header("retry-after").flatMap(pause))
        default: return .rejected(reason: "HTTP \(response.status)")
        }
    }

    /// Seconds, as nearly all receivers write it; of a date the outbox's own pause takes care.
    static func pause(_ text: String) -> Duration? {
        guard let seconds = Int64(text), (0...86_400).contains(seconds) else { return nil }
        return .seconds(seconds)
    }
}

/// JSON of one send; keys in a stable order.
enum JSONText {
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Values are texts and counts alone, so encoding cannot fail; if it does, the receiver refuses an empty body.
        return (try? encoder.encode(value)).map { [UInt8]($0) } ?? []
    }

    /// RFC 3339 in UTC with milliseconds.
    static func time(_ timestamp: Timestamp) -> String {
        Date(timeIntervalSince1970: timestamp.seconds).formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
