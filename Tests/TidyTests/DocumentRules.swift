import Foundation

/// Rules for the documents: what they name is there.
enum DocumentRules {
    /// Decisions whose number another one has, or whose first line gives another number than the file's name.
    static func decisionViolations(_ decisions: [(path: String, text: String)]) -> [Violation] {
        var paths: [Int: String] = [:]
        return decisions.sorted { $0.path < $1.path }.flatMap { path, text -> [Violation] in
            guard let number = decisionNumber(path) else {
                return [Violation(path: path, line: 1, reason: "a decision is named NNNN-what-was-decided.md")]
            }
            var violations: [Violation] = []
            if !text.hasPrefix("# \(number). ") {
                violations.append(Violation(path: path, line: 1, reason: "the first line is not '# \(number). …'"))
            }
            if let other = paths.updateValue(path, forKey: number) {
                violations.append(Violation(path: path, line: 1, reason: "\(other) has number \(number) as well"))
            }
            return violations
        }
    }

    /// Numbers of decisions that a text names and that do not exist.
    static func referenceViolations(path: String, text: String, decisions: Set<Int>) -> [Violation] {
        lines(text).flatMap { number, line in
            line.matches(of: /[Dd]ecision (\d+)/).compactMap { Int($0.output.1) }
                .filter { !decisions.contains($0) }
                .map { Violation(path: path, line: number, reason: "there is no decision \($0)") }
        }
    }

    /// Links of a Markdown text to files that are not there.
    static func linkViolations(path: String, text: String, exists: (String) -> Bool) -> [Violation] {
        let folder = path.split(separator: "/").dropLast().map(String.init)
        return lines(text).flatMap { number, line in
            line.matches(of: /\]\(([^)#:\s]+)(#[^)\s]*)?\)/).map { String($0.output.1) }
                .filter { !exists(resolved($0, in: folder)) }
                .map { Violation(path: path, line: number, reason: "links to \($0), which is not there") }
        }
    }

    /// The number in the name of a decision's file.
    static func decisionNumber(_ path: String) -> Int? {
        let name = path.split(separator: "/").last ?? ""
        return name.wholeMatch(of: /(\d{4})-[a-z0-9-]+\.md/).flatMap { Int($0.output.1) }
    }

    private static func resolved(_ link: String, in folder: [String]) -> String {
        var parts = folder
        for part in link.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
        }
        return parts.joined(separator: "/")
    }

    private static func lines(_ text: String) -> [(number: Int, line: Substring)] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { ($0.offset + 1, $0.element) }
    }
}
