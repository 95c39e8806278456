package import ConfigurationKit
package import LogText
import Selectors

/// In which logs which lines tell of logins.
package struct LogLoginSettings: Hashable, Sendable {
    /// Namespaces whose workloads' logs are meant; nil with `log`.
    package var namespace: Glob?
    /// Workloads whose logs are meant; nil with `log`.
    package var workload: Glob?
    /// Names among `files` that are meant; nil: logs of workloads.
    package var log: Glob?
    /// Units of journals that are meant; nil: all entries.
    package var unit: Glob?
    /// The patterns of such lines.
    package var patterns: [LoginPattern]

    /// Reads one entry of `logins`.
    ///
    /// - Parameter files: the names of the files that are read.
    init(_ section: Section, files: [String]) {
        namespace = section.optional(
            "namespace", .glob, "Namespaces whose logs are meant. Default: all, where `log` is not given.")
        workload = section.optional(
            "workload", .glob, "Workloads whose logs are meant, such as `Deployment/keycloak`. Default: all.")
        log = section.optional(
            "log", .glob, "Names among `files` that are meant, instead of `namespace` and `workload`.")
        unit = section.optional(
            "unit", .glob,
            "Units of a journal that are meant, such as `ssh.service`. Without it whoever can write to the journal can make up logins."
        )
        let format = section.optional(
            "format", ValueType<LoginPattern.Format>.choice(),
            "A program whose lines are known: OpenSSH's server by password, Spring Security's `LoggerListener` and audit events,"
                + " Keycloak's events, PostgreSQL's refused passwords, an access log's POSTs to a login path with status 401."
        )
        let failure = section.optional(
            "failure", .loginPattern,
            "Lines of logins that failed, with groups `(?P<account>…)` and `(?P<address>…)`, of which one may lack, and"
                + " `(?P<count>…)` where a line stands for several.")
        let success = section.optional(
            "success", .loginPattern, "Lines of logins that succeeded, with the same groups.")
        patterns = format?.patterns ?? []
        // What does not parse was reported by now.
        if let failure, let pattern = try? LoginPattern(failure, isSuccess: false) { patterns.append(pattern) }
        if let success, let pattern = try? LoginPattern(success, isSuccess: true) { patterns.append(pattern) }
        if !section.has("format"), !section.has("failure"), !section.has("success") {
            section.reportMissing("format", because: "without it, 'failure' or 'success' no line tells of a login")
        }
        checkPlaces(section, files: files)
    }

    private func checkPlaces(_ section: Section, files: [String]) {
        guard let log else { return }
        for key in ["namespace", "workload"] where section.has(key) {
            section.report(key, "does not go with 'log': name workloads, or files; two entries can name both")
        }
        if !files.contains(where: log.matches) {
            section.report(
                "log", value: "\(log)", "names none of 'files'",
                suggestion: NearestName.of("\(log)", among: files))
        }
    }

    /// Whether a log is meant, by its workload, its name among the files, and its unit in a journal.
    package func applies(namespace: String?, workload: String?, file: String?, unit: String?) -> Bool {
        if let pattern = self.unit, !pattern.matches(unit ?? "") { return false }
        if let log { return file.map(log.matches) ?? false }
        guard self.namespace != nil || self.workload != nil else { return true }
        guard let namespace, let workload else { return false }
        return self.namespace?.matches(namespace) != false && self.workload?.matches(workload) != false
    }
}

extension ValueType where Value == String {
    /// A regular expression of lines that tell of a login.
    fileprivate static let loginPattern = ValueType(
        name: "regular expression", range: "1 to \(CapturePattern.patternBytesMax) bytes, RE2's syntax",
        schema: .record([
            "type": .string("string"), "minLength": .number(1),
            "maxLength": .number(Double(CapturePattern.patternBytesMax)),
        ]),
        allowsEnvironment: false, placeholder: "",
        parse: { text, context throws(ValueProblem) in
            let text = try ValueType.text(lengthMax: CapturePattern.patternBytesMax).parse(text, context)
            do throws(SearchPattern.SyntaxError) {
                _ = try LoginPattern(text, isSuccess: false)
            } catch {
                throw ValueProblem("is no pattern of a login: \(error.description)")
            }
            return text
        },
        format: { $0 })
}
