package import ConfigurationKit
import Glibc
package import Telemetry

/// An HTTP or a TCP check.
package struct CheckSettings: Hashable, Sendable {
    /// What is checked.
    package enum Subject: Hashable, Sendable {
        /// GET of a URL.
        case http(url: String, statuses: [ClosedRange<Int>], body: Body?)
        /// A TCP connection.
        case tcp(HostPort)
    }

    /// What must stand in an answer.
    package enum Body: Hashable, Sendable {
        /// This text.
        case text(String)
        /// A match of this POSIX extended regular expression.
        case pattern(String)
    }

    /// Name, unique among the checks.
    package var name: String
    /// What is checked.
    package var subject: Subject
    /// Identity of what it speaks for, where the file gives one.
    package var labels: LabelSet
    /// Whom to trust.
    package var trust: TrustSettings
    /// How often and how long.
    package var timing: ProbeTiming

    /// Reads one entry of `checks`.
    package init(_ section: Section, interval: Duration) {
        name = section.required("name", .name(), "Name of the check, unique among the checks.")
        let url = section.optional(
            "url", .url, "URL that is fetched, such as `https://shop.example/health`; redirects are not followed.")
        let tcp = section.optional("tcp", .endpoint, "Instead of a URL: address that takes connections, HOST:PORT.")
        let statuses = section.values(
            "expectStatus", .statusRange, countMax: 20,
            "Statuses that are right: `200`, `2xx` or `200-299`. Default: `2xx`.")
        let text = section.optional("expectBody", .text(), "Text that the body must have.")
        let pattern = section.optional(
            "expectBodyPattern", .extendedRegex,
            "Instead of a text: POSIX extended regular expression that must match in the body's first 64 KiB.")
        labels = Self.labels(section)
        trust =
            section.optionalSection(
                "trust", "Whom to trust under https. Default: the system's roots.", TrustSettings.init) ?? .system
        timing = ProbeTiming(section, interval: interval)
        let body = text.map { Body.text($0) } ?? pattern.map { .pattern($0) }
        if let tcp, url == nil {
            subject = .tcp(tcp)
        } else {
            subject = .http(url: url ?? "", statuses: statuses.isEmpty ? [200...299] : statuses, body: body)
        }
        Self.check(section)
    }

    /// Namespace and workload, which go together.
    static func labels(_ section: Section) -> LabelSet {
        let namespace = section.optional("namespace", .name(), "Kubernetes namespace; together with `workload`.")
        let workload = section.optional(
            "workload", .workload,
            "Kind and name of the workload that incidents are about. Without it they are about the check.")
        if section.has("namespace") != section.has("workload") {
            section.reportMissing(
                section.has("namespace") ? "workload" : "namespace", because: "'namespace' and 'workload' go together")
        }
        var labels = LabelSet()
        if let namespace, let workload {
            labels[LabelName.namespace] = namespace
            labels[LabelName.workload] = workload
        }
        return labels
    }

    private static func check(_ section: Section) {
        if section.has("url") == section.has("tcp") {
            section.report(nil, "name one of 'url' and 'tcp'")
        }
        if section.has("expectBody"), section.has("expectBodyPattern") {
            section.report(nil, "'expectBody' and 'expectBodyPattern' exclude each other")
        }
        guard section.has("tcp") else { return }
        for key in ["expectStatus", "expectBody", "expectBodyPattern", "trust"] where section.has(key) {
            section.report(key, "has a meaning only beside 'url'")
        }
    }
}

extension ValueType where Value == ClosedRange<Int> {
    /// HTTP statuses.
    static let statusRange = ValueType(
        name: "status",
        schema: .record(["type": .string("string"), "pattern": .string("^([1-5]xx|[1-5][0-9]{2}(-[1-5][0-9]{2})?)$")]),
        allowsEnvironment: false, placeholder: 200...299,
        parse: { text, _ throws(ValueProblem) in
            let words = text.split(separator: "-", omittingEmptySubsequences: false)
            if text.utf8.count == 3, text.hasSuffix("xx"), let hundred = text.first?.wholeNumberValue,
                (1...5).contains(hundred)
            {
                return hundred * 100...hundred * 100 + 99
            }
            let numbers = words.compactMap { Int($0) }
            guard numbers.count == words.count, (1...2).contains(numbers.count),
                numbers.allSatisfy({ (100...599).contains($0) }), let first = numbers.first, let last = numbers.last,
                first <= last
            else { throw ValueProblem("must be a status such as 200, 2xx or 200-299") }
            return first...last
        },
        format: { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" })
}

extension ValueType where Value == String {
    /// A POSIX extended regular expression without what makes matching slow or its compiled form large.
    static let extendedRegex = ValueType(
        name: "regular expression", range: "1 to 200 characters",
        schema: .record(["type": .string("string"), "minLength": .number(1), "maxLength": .number(200)]),
        allowsEnvironment: false, placeholder: "",
        parse: { text, context throws(ValueProblem) in
            let text = try ValueType.text().parse(text, context)
            var previous: Character = " "
            for character in text {
                guard !(previous == "\\" && character.isNumber) else {
                    throw ValueProblem("must not refer back to groups")
                }
                guard !(previous != "\\" && character == "{") else {
                    throw ValueProblem("must not count repetitions with braces; write '\\{' for the character")
                }
                previous = previous == "\\" ? " " : character
            }
            var compiled = regex_t()
            guard regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB) == 0 else {
                throw ValueProblem("is no POSIX extended regular expression")
            }
            regfree(&compiled)
            return text
        },
        format: { $0 })
}
