import ConfigurationKit
import Selectors
package import TargetSettings
package import Telemetry

/// Logs of the node's containers and of named files.
package struct LogSettings: Hashable, Sendable {
    /// Files that are no container's.
    package struct Files: Hashable, Sendable {
        /// What they hold.
        package enum Format: String, CaseIterable, Sendable {
            /// Text, an entry a line.
            case plain
            /// journald's export format.
            case journal
        }

        /// Name, unique among the files.
        package var name: String
        /// Path of a file or named pipe, or a pattern of paths.
        package var path: String
        /// What they hold.
        package var format: Format
        /// Namespace and workload that they speak for, if any.
        package var labels: LabelSet

        /// Reads one entry of `files`.
        init(_ section: Section) {
            name = section.required(
                "name", .name(), "Name of the log, unique among the files; the label `log` of its series.")
            path = section.required(
                "path", .path,
                "A file or named pipe, or a pattern of files with `*`, `?` and `[…]`. Rotated files that match are read as such."
            )
            format = section.value(
                "format", ValueType<Format>.choice(), default: .plain,
                "`plain`: an entry a line. `journal`: what `journalctl -o export` writes, such as into a named pipe with `-f`."
            )
            let namespace = section.optional("namespace", .name(), "Kubernetes namespace; together with `workload`.")
            let workload = section.optional(
                "workload", .workload,
                "Kind and name of the workload that incidents are about. Without it they are about the node.")
            if section.has("namespace") != section.has("workload") {
                section.reportMissing(
                    section.has("namespace") ? "workload" : "namespace",
                    because: "'namespace' and 'workload' go together")
            }
            labels = LabelSet()
            if let namespace, let workload {
                labels[LabelName.namespace] = namespace
                labels[LabelName.workload] = workload
            }
        }
    }

    /// Folder of pods' logs; nil: none are read.
    package var directory: String?
    /// Other files.
    package var files: [Files]
    /// What is taken out of lines beside what is known to be secret: expressions for `Selectors.SearchPattern`.
    package var redact: [String]
    /// Where logins are looked for.
    package var logins: [LogLoginSettings]
    /// How often and how long.
    package var timing: ProbeTiming

    /// Reads the section `logs`.
    init(_ section: Section, interval: Duration) {
        let directory = section.optional(
            "directory", .path,
            "Folder of pods' logs in the form of the container runtime interface, as the agent sees it."
                + " Default: `/var/log/pods`, or none where `files` are named.")
        files = section.sections(
            "files", uniqueKey: "name", countMax: 100, "Logs that are no container's, such as those of a plain host."
        ) { Files($0) }
        self.directory = directory ?? (section.has("files") ? nil : "/var/log/pods")
        redact = section.values(
            "redact", .searchPattern, countMax: 20,
            "What is taken out of lines before they are kept or sent, beside tokens, passwords, keys, mail addresses and card"
                + " numbers, which are known. Matched in linear time.")
        let names = files.map(\.name)
        logins = section.sections(
            "logins", countMax: 20,
            "Lines that tell of logins, which reach the security checks as those of `/auditevents` do: account and address are"
                + " taken before secrets are taken out, and nothing else of the line. A log is searched by all entries that name it."
        ) { LogLoginSettings($0, files: names) }
        timing = ProbeTiming(section, interval: interval)
    }
}

extension ValueType where Value == String {
    /// A regular expression that is looked for in lines.
    fileprivate static let searchPattern = ValueType(
        name: "regular expression", range: "1 to 200 characters, RE2's syntax",
        schema: .record(["type": .string("string"), "minLength": .number(1), "maxLength": .number(200)]),
        allowsEnvironment: false, placeholder: "",
        parse: { text, context throws(ValueProblem) in
            let text = try ValueType.text().parse(text, context)
            do throws(SearchPattern.SyntaxError) {
                _ = try SearchPattern(text)
            } catch {
                throw ValueProblem("is no expression that can be looked for: \(error.description)")
            }
            return text
        },
        format: { $0 })
}
