/// Name of an incident, printed as `INC-7`.
///
/// Numbers rise and are never used twice.
package struct IncidentID: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The number, from 1 on; 0 is `none`.
    package var rawValue: Int

    /// The id of events that belong to no incident, such as those of silences.
    package static let none = IncidentID(rawValue: 0)

    /// Makes the name of a number.
    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Reads `INC-7`, `inc-7` or `7`; nil for anything else, zero included.
    package init?(_ text: String) {
        guard let number = NumberedName.number(of: text, prefix: "inc-") else { return nil }
        self.init(rawValue: number)
    }

    /// Reads the bare number; throws `DecodingError` for anything else.
    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(Int.self)
    }

    /// Writes the bare number.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// As people write it: `INC-7`.
    package var description: String { "INC-\(rawValue)" }

    /// Ascending by number: the older one first.
    package static func < (lhs: IncidentID, rhs: IncidentID) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Names that are a prefix and a number.
enum NumberedName {
    /// The number of `PREFIX7`, in either case, or of `7`; nil for anything else, zero included.
    ///
    /// - Parameter prefix: in lower case.
    static func number(of text: String, prefix: String) -> Int? {
        let digits = text.lowercased().hasPrefix(prefix) ? text.dropFirst(prefix.count) : Substring(text)
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(digits), number > 0 else {
            return nil
        }
        return number
    }
}
