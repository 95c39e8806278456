package import LogText
package import Telemetry

extension LogProbe {
    /// In which logs which lines tell of logins.
    package struct LoginRule: Sendable {
        /// The patterns of such lines.
        package var patterns: [LoginPattern]
        /// Whether a log is meant: its labels (namespace and workload, or `log`; a journal's `unit`), and its name
        /// among `Configuration.files`, nil for containers.
        package var applies: @Sendable (_ labels: LabelSet, _ file: String?) -> Bool

        /// Makes a rule.
        package init(
            patterns: [LoginPattern], applies: @escaping @Sendable (_ labels: LabelSet, _ file: String?) -> Bool
        ) {
            self.patterns = patterns
            self.applies = applies
        }
    }
}
