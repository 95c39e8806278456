/// Durations as they are written in configuration files: `500ms`, `10s`, `2m`, `1h30m`, `15d`.
package enum DurationText {
    private static let units: [(suffix: String, millis: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Reads whole numbers with units, greatest unit first and each once; `0` needs no unit.
    ///
    /// At most about 1000 years.
    package static func parse(_ text: String) throws(ValueProblem) -> Duration {
        if text == "0" { return .zero }
        let malformed = ValueProblem("a duration is whole numbers with units, such as 500ms, 10s, 2m, 1h30m or 15d")
        if let plain = Int(text) {
            throw ValueProblem("a duration needs a unit (ms, s, m, h, d)", suggestion: "\(plain)s")
        }
        var rest = text[...]
        var millis: Int64 = 0
        var smallest = Int64.max
        repeat {
            let digits = rest.prefix { $0.isASCII && $0.isWholeNumber }
            guard let number = Int64(digits), number <= 31_536_000_000_000 else { throw malformed }
            rest = rest.dropFirst(digits.count)
            let suffix = String(rest.prefix { $0.isLetter })
            guard let unit = units.first(where: { $0.suffix == suffix }), unit.millis < smallest else {
                throw ValueProblem(malformed.reason, suggestion: meant(digits: digits, suffix: suffix, whole: text))
            }
            rest = rest.dropFirst(suffix.count)
            smallest = unit.millis
            let (product, overflow) = number.multipliedReportingOverflow(by: unit.millis)
            guard !overflow, product <= 31_536_000_000_000, millis <= 31_536_000_000_000 else {
                throw ValueProblem("a duration of more than a thousand years")
            }
            millis += product
        } while !rest.isEmpty
        return .milliseconds(millis)
    }

    /// Words people write for a unit, when the whole text is one number and one word.
    private static func meant(digits: Substring, suffix: String, whole: String) -> String? {
        guard whole == "\(digits)\(suffix)" else { return nil }
        let words: [(unit: String, words: [String])] = [
            ("ms", ["msec", "millis", "milliseconds"]), ("s", ["S", "sec", "secs", "second", "seconds"]),
            ("m", ["M", "min", "mins", "minute", "minutes"]), ("h", ["H", "hr", "hour", "hours"]),
            ("d", ["D", "day", "days"]),
        ]
        return words.first { $0.words.contains(suffix) }.map { "\(digits)\($0.unit)" }
    }

    /// Writes a duration so that `parse` gives it back to the millisecond: `1h30m`, `0s` for zero.
    package static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        var millis = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        guard millis > 0 else { return "0s" }
        var text = ""
        for unit in units where millis >= unit.millis {
            text += "\(millis / unit.millis)\(unit.suffix)"
            millis %= unit.millis
        }
        return text
    }
}
