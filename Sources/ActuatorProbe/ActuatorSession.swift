import Probing
import Telemetry

/// The requests of one run: one base URL, one set of headers, one deadline.
struct ActuatorSession: Sendable {
    /// What an endpoint answered, sorted by what it means.
    enum Answer: Sendable {
        /// 200 with its body.
        case found(HTTPResponse)
        /// 404: not exposed, not there yet, or nothing matches.
        case missing
        /// Another status, body and all.
        case status(HTTPResponse)
        /// 401, 403 or a redirect, which is a login page.
        case denied(Int)
        /// No answer.
        case failed(HTTPFailure)
        /// Not asked, since the deadline was too near.
        case notAsked
    }

    var http: any HTTPFetching
    var base: String
    var headers: [Label]
    var trust: HTTPRequest.Trust
    var deadline: ContinuousClock.Instant

    /// A request that has less time than this is not sent.
    static let timeMin = Duration.milliseconds(50)

    /// What the actuator is asked for: Boot 2.2 and later, 2.0, and plain JSON, in this order.
    static let acceptJSON =
        "application/vnd.spring-boot.actuator.v3+json, application/vnd.spring-boot.actuator.v2+json;q=0.9, "
        + "application/json;q=0.8"

    func get(
        _ path: String, accept: String = Self.acceptJSON, within: Duration = .seconds(3600), bodyBytesMax: Int = 1 << 20
    ) async -> Answer {
        let time = min(within, ContinuousClock.now.duration(to: deadline))
        guard time >= Self.timeMin else { return .notAsked }
        let request = HTTPRequest(
            url: base + path, headers: [Label("Accept", accept)] + headers, connectTimeout: min(.seconds(2), time),
            totalTimeout: time, bodyBytesMax: bodyBytesMax, trust: trust)
        switch await http.fetch(request) {
        case .failure(let failure): return .failed(failure)
        case .response(let response):
            switch response.status {
            case 200: return .found(response)
            case 404: return .missing
            case 401, 403, 300..<400: return .denied(response.status)
            default: return .status(response)
            }
        }
    }
}

/// Percent-encoding for a query value: everything but unreserved characters, for a raw `{`, space or comma is a 400 or
/// means something else.
enum QueryValue {
    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 65...90, 97...122, 48...57, 45, 46, 95, 126, 47, 58: bytes.append(byte)
            default: bytes += [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
