import Glibc
import Telemetry

/// The time zone that tables are written in.
enum Zone: Hashable, Sendable {
    /// This machine's, daylight saving included.
    case system
    /// So many seconds east of Greenwich.
    case fixed(Int64)

    /// Milliseconds since 1970-01-01T00:00 on the zone's own clock.
    func localMillis(_ time: Timestamp) -> Int64 {
        switch self {
        case .fixed(let seconds):
            return time.millis.addingReportingOverflow(seconds * 1000).partialValue
        case .system:
            var seconds = time_t(time.millis / 1000)
            var broken = tm()
            guard localtime_r(&seconds, &broken) != nil else { return time.millis }
            return time.millis.addingReportingOverflow(Int64(broken.tm_gmtoff) * 1000).partialValue
        }
    }
}
