package import Detection

/// The runbook's four levels; P1 is the worst and the greatest.
package enum Severity: Int, Sendable, Codable, CaseIterable, Comparable, CustomStringConvertible {
    /// Low: a minor issue, answered within 24 hours.
    case p4 = 4
    /// Medium: degraded performance, answered within 2 hours.
    case p3 = 3
    /// High: a major feature is unavailable, answered within 30 minutes.
    case p2 = 2
    /// Critical: a service is completely down, or data are lost; answered within 15 minutes.
    case p1 = 1

    /// The greater is the worse: P4 < P1.
    package static func < (lhs: Severity, rhs: Severity) -> Bool { lhs.rawValue > rhs.rawValue }

    /// As people write it: "P1".
    package var description: String { "P\(rawValue)" }

    /// Reads "P1" to "P4"; nil for anything else.
    package init?(_ text: String) {
        guard text.count == 2, text.first == "P", let digit = text.last?.wholeNumberValue else { return nil }
        self.init(rawValue: digit)
    }

    /// Reads "P1" to "P4"; throws `DecodingError` for anything else.
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let severity = Severity(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "no severity: \(text)"))
        }
        self = severity
    }

    /// Writes "P1" to "P4".
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// One row of the severity table.
///
/// The first row from the top whose conditions all hold gives the level.
package struct SeverityRule: Hashable, Sendable, Codable {
    /// Glob (`*`, `?`) over check names.
    package var check: String
    /// The finding's value must be at or beyond this in the check's bad direction; nil: any.
    package var value: Double?
    /// The finding must be of this family; nil: any.
    package var family: Family?
    /// The volume in the check's window must be at least this; nil: any.
    package var volumeAtLeast: Double?
    /// At least this many workloads must depend on the subject; nil: any.
    package var dependentsAtLeast: Int?
    /// At least this share of the contributors must be in breach, 0...1; nil: any.
    package var scopeAtLeast: Double?
    /// The breach must have lasted at least this long since onset; nil: any.
    package var durationAtLeast: Duration?
    /// The level given.
    package var severity: Severity
    /// Why, for the ledger: "every replica is out".
    package var because: String
    /// `FILE:LINE` of the row, for the ledger.
    package var origin: String

    /// Makes a row for any family, volume and number of dependents.
    package init(
        check: String, value: Double? = nil, scopeAtLeast: Double? = nil, durationAtLeast: Duration? = nil,
        severity: Severity,
        because: String, origin: String
    ) {
        self.check = check
        self.value = value
        self.scopeAtLeast = scopeAtLeast
        self.durationAtLeast = durationAtLeast
        self.severity = severity
        self.because = because
        self.origin = origin
    }
}
