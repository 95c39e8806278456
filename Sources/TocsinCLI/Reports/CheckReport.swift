import ConfigurationKit

/// `tocsin config check`.
struct CheckReport: Report {
    /// What came of one file.
    struct Result: Sendable {
        var file: String
        /// The file's kind; nil when that could not be found out.
        var kind: String?
        var issues: [ConfigurationIssue]

        var isFine: Bool { issues.allSatisfy { $0.level == .warning } }
    }

    var results: [Result]

    var isFine: Bool { results.allSatisfy(\.isFine) }

    var value: OutputValue {
        .array(
            results.map { result in
                let issues = result.issues.map { issue -> OutputValue in
                    [
                        "level": .string(issue.level.rawValue), "line": .count(issue.origin.line),
                        "column": .count(issue.origin.column), "key": .string(issue.keyPath),
                        "value": .text(issue.value),
                        "reason": .string(issue.reason), "suggestion": .text(issue.suggestion),
                    ]
                }
                return [
                    "file": .string(result.file), "kind": .text(result.kind), "ok": .bool(result.isFine),
                    "issues": .array(issues),
                ]
            })
    }

    func table(_ context: RenderContext) -> String {
        results.map { result in
            let issues = result.issues.map { issue in
                context.styled(Printable.line(issue.description), issue.level == .warning ? .yellow : .red) + "\n"
            }.joined()
            guard result.isFine else { return issues }
            let what = result.kind.map { "\($0), " } ?? ""
            let warnings =
                result.issues.isEmpty ? "" : ", \(result.issues.count) warning\(result.issues.count == 1 ? "" : "s")"
            return issues + "\(Printable.line(result.file)): \(what)\(context.styled("fine", .green))\(warnings)\n"
        }.joined()
    }
}
