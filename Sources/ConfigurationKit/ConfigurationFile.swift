import FoundationEssentials

/// What came of decoding a file that is not refused.
package struct Loaded<Value: Sendable>: Sendable {
    /// The settings.
    package var value: Value
    /// Doubts, by place.
    package var warnings: [ConfigurationIssue]
    /// Files that the configuration names.
    package var files: [FileReference]

    /// Warnings for each named file that is not there now; what is missing may still be mounted later.
    package func missingFiles() -> [ConfigurationIssue] {
        files.filter { !FileManager.default.fileExists(atPath: $0.path) }.map { file in
            ConfigurationIssue(
                .warning, at: file.origin, keyPath: file.keyPath, value: file.path, reason: "there is no such file")
        }
    }
}

/// Decoding and description of one kind of file.
package enum ConfigurationFile {
    /// Kinds of file that there are, for messages.
    package static let kinds = ["agent", "coordinator", "thresholds", "contexts"]

    /// The word after `kind:` of a file, so that a command can choose the decoder.
    ///
    /// Throws when the text is no YAML or has no usable `kind`.
    package static func kind(of source: ConfigurationSource) throws(ConfigurationError) -> String {
        let root = try source.parsed()
        let context = DecodingContext(environment: [:], folder: source.folder, isDescribing: false)
        let section = Section(node: root, keyPath: "", parent: root.origin, context: context)
        let kind = readKind(section, expected: nil)
        guard let kind else { throw ConfigurationError(context.sortedIssues) }
        return kind
    }

    /// Decodes a file of one kind, reporting everything that is wrong with it at once.
    ///
    /// - Parameters:
    ///   - environment: what `{env: NAME}` refers to.
    ///   - decode: reads the top section; its value is dropped when anything was reported as an error.
    package static func decode<Value: Sendable>(
        _ source: ConfigurationSource, kind: String, environment: [String: String], _ decode: (Section) -> Value
    ) throws(ConfigurationError) -> Loaded<Value> {
        let root = try source.parsed()
        let context = DecodingContext(environment: environment, folder: source.folder, isDescribing: false)
        let section = Section(node: root, keyPath: "", parent: root.origin, context: context)
        // Under another kind every key would be unknown: one error says more.
        guard let found = readKind(section, expected: kind), found == kind else {
            throw ConfigurationError(context.sortedIssues)
        }
        let value = decode(section)
        section.finish()
        let issues = context.sortedIssues
        guard issues.allSatisfy({ $0.level == .warning }) else { throw ConfigurationError(issues) }
        return Loaded(value: value, warnings: issues, files: context.files)
    }

    /// Describes one kind of file by running its decoder on nothing.
    package static func describe<Value>(
        kind: String, fileName: String, doc: String, _ decode: (Section) -> Value
    ) -> KindDescription {
        let context = DecodingContext(environment: [:], folder: ".", isDescribing: true)
        let origin = Origin(file: fileName, line: 1, column: 1)
        let section = Section(node: nil, keyPath: "", parent: origin, context: context)
        _ = decode(section)
        return KindDescription(kind: kind, fileName: fileName, doc: doc, fields: section.fields)
    }

    private static func readKind(_ section: Section, expected: String?) -> String? {
        guard section.entry("kind") != nil else {
            let wanted = expected.map { "kind: \($0)" } ?? "kind: " + kinds.joined(separator: "|")
            section.report(nil, "the key 'kind' is missing: a file begins with '\(wanted)'")
            return nil
        }
        let found = section.required("kind", .text(), "Which kind of file this is.")
        guard !found.isEmpty else { return nil }
        guard kinds.contains(found) else {
            section.report(
                "kind", value: found, "must be one of \(kinds.joined(separator: ", "))",
                suggestion: NearestName.of(found, among: kinds))
            return nil
        }
        if let expected, found != expected {
            section.report("kind", value: found, "a file of kind '\(expected)' is expected here")
        }
        return found
    }
}
