import FoundationEssentials
package import Probing
import Telemetry

/// The logins in an answer of `/auditevents`.
///
/// Events of other types are passed over, and so is what has no time or another form: an application may publish events
/// of its own.
package struct AuditEvents {
    /// Oldest first; equal ones of one moment, which nothing tells apart, are numbered in their keys.
    package private(set) var logins: [LoginRecord] = []

    /// Reads an answer; nil when it is none.
    ///
    /// - Parameter ownName: the account by which the probe itself logs in: its successes are its own requests.
    package init?(_ body: [UInt8], ownName: String?) {
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else { return nil }
        var events = answer.events.compactMap(\.event)
        // The order is the repository's: whichever it is, equal times must keep theirs.
        if let first = events.first?.at, let last = events.last?.at, first > last { events.reverse() }
        let ordered = events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
        var seen: [String: Int] = [:]
        for (_, event) in ordered {
            guard event.succeeded == false || event.succeeded == true && event.principal != ownName,
                let succeeded = event.succeeded
            else { continue }
            let identity = event.identity
            let number = seen[identity, default: 0]
            seen[identity] = number + 1
            logins.append(
                LoginRecord(
                    key: "\(identity)|\(number)", at: event.at.seconds, account: Self.name(event.principal),
                    address: Self.name(LoginRecord.plain(event.address)), isSuccess: succeeded))
        }
    }

    /// Characters of an account or address beyond this are cut off.
    package static let nameLengthMax = 200

    private static func name(_ text: String) -> String { String(text.prefix(nameLengthMax)) }

    private struct Answer: Decodable {
        var events: [Lenient]
    }

    /// An element that cannot be read is no event.
    private struct Lenient: Decodable {
        var event: Event?

        init(from decoder: any Decoder) {
            event = try? Event(from: decoder)
        }
    }
}

/// One audit event, as Spring Security publishes it.
private struct Event: Decodable {
    var at: Timestamp
    var timestamp: String
    var principal: String
    var type: String
    var address: String
    var session: String

    /// Nil when it is no login.
    var succeeded: Bool? {
        switch type {
        case "AUTHENTICATION_SUCCESS": true
        case "AUTHENTICATION_FAILURE": false
        default: nil
        }
    }

    var identity: String { "\(timestamp)|\(type)|\(principal)|\(address)|\(session)" }

    private enum Key: CodingKey { case timestamp, principal, type, data, details, remoteAddress, sessionId }

    /// Throws for what has no type or no time.
    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        type = try fields.decode(String.self, forKey: .type)
        if let text = try? fields.decode(String.self, forKey: .timestamp) {
            timestamp = text
        } else {
            // Jackson writes seconds since 1970 when it is told to write times as numbers.
            timestamp = String(try fields.decode(Double.self, forKey: .timestamp))
        }
        guard let at = Timestamp(rfc3339: timestamp) ?? Double(timestamp).flatMap(Self.moment) else {
            throw DecodingError.dataCorruptedError(forKey: .timestamp, in: fields, debugDescription: "no time")
        }
        self.at = at
        principal = (try? fields.decodeIfPresent(String.self, forKey: .principal)) ?? ""
        // `data` is whatever the application put there; Spring's own details have address and session.
        let data = try? fields.nestedContainer(keyedBy: Key.self, forKey: .data)
        let details = try? data?.nestedContainer(keyedBy: Key.self, forKey: .details)
        let place = details ?? data
        address = (try? place?.decodeIfPresent(String.self, forKey: .remoteAddress)) ?? ""
        session = (try? place?.decodeIfPresent(String.self, forKey: .sessionId)) ?? ""
    }

    private static func moment(_ seconds: Double) -> Timestamp? {
        // Until the year 5138; what is more is milliseconds or nonsense.
        seconds >= 0 && seconds < 1e11 ? Timestamp(seconds: seconds) : nil
    }
}
