import Telemetry

/// Times as text.
///
/// The calendar is the proleptic Gregorian one.
enum TimeText {
    /// `2026-11-24T23:45:31.000Z`.
    static func rfc3339(_ time: Timestamp) -> String {
        let parts = Parts(millis: time.millis)
        return "\(parts.date)T\(parts.clock).\(pad(parts.milli, 3))Z"
    }

    /// `23:45:31` on the day of `now`, else `2026-11-24 23:45:31`, both in the zone that is `offset` seconds east of
    /// Greenwich.
    static func local(_ time: Timestamp, now: Timestamp, zone: Zone) -> String {
        let parts = Parts(millis: zone.localMillis(time))
        let today = Parts(millis: zone.localMillis(now))
        return parts.date == today.date ? parts.clock : "\(parts.date) \(parts.clock)"
    }

    /// `5m ago`, `in 2h`, `now` within a second.
    static func relative(_ time: Timestamp, now: Timestamp) -> String {
        let age = now - time
        if abs(age.inSeconds) < 1 { return "now" }
        return age > .zero ? "\(DurationText.short(age)) ago" : "in \(DurationText.short(.zero - age))"
    }

    /// `23:45:31 (5m ago)`.
    static func both(_ time: Timestamp, now: Timestamp, zone: Zone) -> String {
        "\(local(time, now: now, zone: zone)) (\(relative(time, now: now)))"
    }

    static func pad(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// A moment split into calendar fields.
    private struct Parts {
        var date: String
        var clock: String
        var milli: Int64

        init(millis: Int64) {
            // Years outside 0...9999 cannot be written; such a moment is the sender's fault and shown at the edge.
            let clamped = min(max(millis, -62_167_219_200_000), 253_402_300_799_999)
            let days = Self.floorDivide(clamped, 86_400_000)
            let inDay = clamped - days * 86_400_000
            milli = inDay % 1000
            let second = inDay / 1000
            clock =
                "\(TimeText.pad(second / 3600, 2)):\(TimeText.pad(second / 60 % 60, 2)):\(TimeText.pad(second % 60, 2))"
            date = Self.civil(days: days)
        }

        /// Days since 1970-01-01 to a date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
        /// civil_from_days.
        private static func civil(days: Int64) -> String {
            let shifted = days + 719_468
            let era = floorDivide(shifted, 146_097)
            let dayOfEra = shifted - era * 146_097
            let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let shiftedMonth = (5 * dayOfYear + 2) / 153
            let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
            let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
            let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
            return "\(TimeText.pad(year, 4))-\(TimeText.pad(month, 2))-\(TimeText.pad(day, 2))"
        }

        private static func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
            let quotient = dividend / divisor
            return dividend % divisor < 0 ? quotient - 1 : quotient
        }
    }
}
