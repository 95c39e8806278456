/// What one run of decoding shares: where it comes from, what it may look up and what it found wrong.
final class DecodingContext {
    let environment: [String: String]
    let folder: String
    /// Whether the run only collects descriptions; nothing is reported then.
    let isDescribing: Bool
    /// Where reports go of what is decoded here and used on another machine; nil for everything else.
    ///
    /// Files and variables that such a part names are that machine's.
    let parent: DecodingContext?
    private(set) var issues: [ConfigurationIssue] = []
    private(set) var files: [FileReference] = []

    init(environment: [String: String], folder: String, isDescribing: Bool) {
        self.environment = environment
        self.folder = folder
        self.isDescribing = isDescribing
        parent = nil
    }

    /// A context for what is used on another machine.
    init(elsewhere parent: DecodingContext) {
        environment = [:]
        folder = parent.folder
        isDescribing = parent.isDescribing
        self.parent = parent
    }

    /// Whether what is decoded is used on another machine.
    var isElsewhere: Bool { parent != nil }

    func report(_ issue: ConfigurationIssue) {
        if let parent { return parent.report(issue) }
        guard !isDescribing, issues.count <= ConfigurationError.issuesMax else { return }
        issues.append(issue)
    }

    func note(_ file: FileReference) {
        if !isDescribing, !isElsewhere { files.append(file) }
    }

    /// Issues by place; the ones beyond the bound are replaced by one that says so.
    var sortedIssues: [ConfigurationIssue] {
        var sorted = issues.sorted { $0.origin < $1.origin }
        if sorted.count > ConfigurationError.issuesMax, let last = sorted.last {
            sorted.removeLast(sorted.count - ConfigurationError.issuesMax + 1)
            sorted.append(
                ConfigurationIssue(at: last.origin, keyPath: "", reason: "there are more errors; these come first"))
        }
        return sorted
    }
}

/// A file that a configuration names.
package struct FileReference: Hashable, Sendable {
    /// The path, made absolute from the configuration's folder where that is absolute.
    package var path: String
    /// Where it is named.
    package var origin: Origin
    /// Under which key.
    package var keyPath: String
}
