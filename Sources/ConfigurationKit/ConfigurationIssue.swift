/// One thing that is wrong, or doubtful, in a configuration file.
package struct ConfigurationIssue: Hashable, Sendable, CustomStringConvertible {
    /// Whether the file can be used in spite of it.
    package enum Level: String, Sendable {
        /// The file is refused.
        case error
        /// The file works, but hardly as it was meant.
        case warning
    }

    /// How bad it is.
    package var level: Level
    /// Where it is.
    package var origin: Origin
    /// The key, such as `databases[0].sslMode`; empty for the file as a whole.
    package var keyPath: String
    /// The value, shortened; nil where there is none or where it may be a secret.
    package var value: String?
    /// What is wrong and, where one sentence can say so, what to write instead.
    package var reason: String
    /// The nearest valid value or key.
    package var suggestion: String?

    /// Makes an issue; `value` is shortened and made printable.
    package init(
        _ level: Level = .error, at origin: Origin, keyPath: String, value: String? = nil, reason: String,
        suggestion: String? = nil
    ) {
        self.level = level
        self.origin = origin
        self.keyPath = keyPath
        self.value = value.map(Self.printable)
        self.reason = reason
        self.suggestion = suggestion
    }

    /// `FILE:LINE:COLUMN: KEY.PATH: value 'x': reason; did you mean 'y'?`, with `warning: ` after the place of a
    /// warning.
    package var description: String {
        var text = "\(origin): "
        if level == .warning { text += "warning: " }
        if !keyPath.isEmpty { text += "\(keyPath): " }
        if let value { text += "value '\(value)': " }
        text += reason
        if let suggestion { text += "; did you mean '\(suggestion)'?" }
        return text
    }

    private static func printable(_ value: String) -> String {
        let shown = value.unicodeScalars.prefix(80).map { scalar in
            scalar.value < 0x20 || scalar.value == 0x7f ? " " : String(scalar)
        }
        return shown.joined() + (value.unicodeScalars.count > 80 ? "…" : "")
    }
}

/// A configuration that is refused, with everything that is wrong with it.
package struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    /// Upper bound of `issues`; the last one then says that there are more.
    package static let issuesMax = 200

    /// Errors and warnings by file, line and column; at least one error.
    package var issues: [ConfigurationIssue]

    /// Makes an error from at least one issue.
    package init(_ issues: [ConfigurationIssue]) {
        precondition(!issues.isEmpty, "a configuration error without an issue")
        self.issues = issues
    }

    /// One issue a line.
    package var description: String { issues.map(\.description).joined(separator: "\n") }
}
