import ArgumentParser
import Foundation
import Telemetry

/// A moment: RFC 3339, or `+2h` from now.
struct TimeArgument: ExpressibleByArgument, Hashable, Sendable {
    private enum Form: Hashable, Sendable {
        case absolute(Timestamp)
        case fromNow(Duration)
    }

    /// With a fraction of the second, and without.
    private static let styles = [
        Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true),
    ]

    private var form: Form

    init?(argument: String) {
        if argument.hasPrefix("+") {
            guard let duration = DurationText.parse(String(argument.dropFirst())) else { return nil }
            form = .fromNow(duration)
        } else if let date = Self.styles.lazy.compactMap({ try? Date(argument, strategy: $0) }).first {
            form = .absolute(Timestamp(seconds: date.timeIntervalSince1970))
        } else {
            return nil
        }
    }

    /// The moment that is meant when it is said at `now`.
    func time(now: Timestamp) -> Timestamp {
        switch form {
        case .absolute(let time): time
        case .fromNow(let duration): now + duration
        }
    }
}
