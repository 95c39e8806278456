import FoundationEssentials
import Yams

/// The text of a configuration file and where it came from.
package struct ConfigurationSource: Hashable, Sendable {
    /// Largest file that is read; a configuration beyond it is a mistake.
    package static let bytesMax = 1 << 20
    /// Most nodes in one file after aliases are followed, so that nested aliases cannot grow without bound.
    package static let nodesMax = 100_000
    /// Deepest nesting.
    package static let depthMax = 64

    /// The file as it was named, for messages.
    package var file: String
    /// The folder that relative paths in the file start from.
    package var folder: String
    /// The text.
    package var text: String

    /// Makes a source from text at hand.
    package init(file: String, folder: String, text: String) {
        self.file = file
        self.folder = folder
        self.text = text
    }

    /// Reads a file; relative paths in it start from its folder.
    ///
    /// Throws when it cannot be read, is larger than `bytesMax` or is not UTF-8.
    package init(path: String) throws(ConfigurationError) {
        let start = Origin(file: path, line: 1, column: 1)
        func refused(_ reason: String) -> ConfigurationError {
            ConfigurationError([ConfigurationIssue(at: start, keyPath: "", reason: reason)])
        }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            var isFolder = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw refused("there is no such file")
            }
            throw refused(isFolder ? "this is a folder, not a file" : "the file cannot be read")
        }
        guard bytes.count <= Self.bytesMax else {
            throw refused("the file has \(bytes.count) bytes, more than the \(Self.bytesMax) allowed")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw refused("the file is not UTF-8 text") }
        self.init(file: path, folder: Self.folder(of: path), text: text)
    }

    /// Everything before the last slash: "." for a bare name.
    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Parses the text into nodes.
    ///
    /// Throws one issue: YAML cannot be read further than its first syntax error.
    func parsed() throws(ConfigurationError) -> ConfigurationNode {
        let start = Origin(file: file, line: 1, column: 1)
        guard text.utf8.count <= Self.bytesMax else {
            throw refused(at: start, "the text has \(text.utf8.count) bytes, more than the \(Self.bytesMax) allowed")
        }
        try refuseComplexKeys()
        let root: Node?
        do {
            root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw translated(error)
        } catch {
            throw refused(at: start, "the file cannot be parsed: \(error)")
        }
        guard let root else { throw refused(at: start, "the file is empty") }
        var converter = NodeConverter(file: file)
        return try converter.convert(root, depth: 0, parent: start)
    }

    /// Refuses keys that are aliases or collections before the parser hashes them, which would take exponential time.
    private func refuseComplexKeys() throws(ConfigurationError) {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var rest = line.drop { $0 == " " }
            while rest.hasPrefix("- ") { rest = rest.dropFirst(2).drop { $0 == " " } }
            let isExplicitKey = rest.hasPrefix("? ") || rest == "?"
            let isAliasKey = rest.hasPrefix("*") && rest.contains(" :")
            guard isExplicitKey || isAliasKey else { continue }
            let column = line.count - rest.count + 1
            throw refused(at: Origin(file: file, line: index + 1, column: column), "a key must be plain text")
        }
    }

    private func refused(at origin: Origin, _ reason: String) -> ConfigurationError {
        ConfigurationError([ConfigurationIssue(at: origin, keyPath: "", reason: reason)])
    }

    private func translated(_ error: YamlError) -> ConfigurationError {
        func origin(_ mark: Mark) -> Origin { Origin(file: file, line: max(1, mark.line), column: max(1, mark.column)) }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let where_ = context.map { " (\($0.text) from line \($0.mark.line))" } ?? ""
            return refused(at: origin(mark), "not valid YAML: \(problem)\(where_)")
        case .composer(_, let problem, let mark, _):
            let reason = problem.contains("another document") ? "a file holds one document, this is a second" : problem
            return refused(at: origin(mark), "not valid YAML: \(reason)")
        case .reader(let problem, let offset, _, _):
            return refused(at: place(ofCharacter: offset ?? 0), "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            return duplicateKey(duplicates.first ?? "", firstAt: context.mark)
        default:
            return refused(at: Origin(file: file, line: 1, column: 1), "not valid YAML: \(error)")
        }
    }

    private func place(ofCharacter offset: Int) -> Origin {
        let before = text.prefix(offset)
        let lines = before.split(separator: "\n", omittingEmptySubsequences: false)
        return Origin(file: file, line: max(1, lines.count), column: (lines.last?.unicodeScalars.count ?? 0) + 1)
    }

    /// The parser tells where the first of the equal keys is; in block style the second starts in the same column below
    /// it.
    private func duplicateKey(_ key: String, firstAt mark: Mark) -> ConfigurationError {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var line = mark.line
        for index in lines.indices.dropFirst(mark.line) {
            let body = lines[index].drop { $0 == " " }
            guard !body.isEmpty, !body.hasPrefix("#") else { continue }
            let column = lines[index].count - body.count + 1
            if column < mark.column { break }
            if column == mark.column, isKey(key, startOf: body) {
                line = index + 1
                break
            }
        }
        let reason =
            line == mark.line
            ? "this key is written twice in one mapping" : "this key is already written at line \(mark.line)"
        return ConfigurationError([
            ConfigurationIssue(at: Origin(file: file, line: line, column: mark.column), keyPath: key, reason: reason)
        ])
    }

    private func isKey(_ key: String, startOf body: Substring) -> Bool {
        ["\(key):", "\"\(key)\":", "'\(key)':", "\(key) :"].contains { body.hasPrefix($0) }
    }
}

/// Turns Yams' tree into ours, counting nodes.
private struct NodeConverter {
    let file: String
    var nodes = 0

    mutating func convert(_ node: Node, depth: Int, parent: Origin) throws(ConfigurationError) -> ConfigurationNode {
        let origin = node.mark.map { Origin(file: file, line: $0.line, column: $0.column) } ?? parent
        nodes += 1
        guard nodes <= ConfigurationSource.nodesMax else {
            throw refused(at: origin, "more than \(ConfigurationSource.nodesMax) values, aliases followed")
        }
        guard depth <= ConfigurationSource.depthMax else {
            throw refused(at: origin, "nested deeper than \(ConfigurationSource.depthMax) levels")
        }
        switch node {
        case .scalar(let scalar):
            return ConfigurationNode(content: .scalar(scalar.string, isPlain: scalar.style == .plain), origin: origin)
        case .sequence(let sequence):
            var items: [ConfigurationNode] = []
            for item in sequence { items.append(try convert(item, depth: depth + 1, parent: origin)) }
            return ConfigurationNode(content: .sequence(items), origin: origin)
        case .mapping(let mapping):
            var entries: [ConfigurationNode.Entry] = []
            for (key, value) in mapping {
                let keyOrigin = key.mark.map { Origin(file: file, line: $0.line, column: $0.column) } ?? origin
                guard let name = key.scalar?.string else { throw refused(at: keyOrigin, "a key must be plain text") }
                guard name != "<<" else {
                    throw refused(at: keyOrigin, "merge keys ('<<') are not supported; write the keys out")
                }
                let converted = try convert(value, depth: depth + 1, parent: keyOrigin)
                entries.append(.init(key: name, keyOrigin: keyOrigin, value: converted))
            }
            return ConfigurationNode(content: .mapping(entries), origin: origin)
        case .alias(let alias):
            throw refused(at: origin, "the alias '\(alias.anchor.rawValue)' is not followed")
        }
    }

    private func refused(at origin: Origin, _ reason: String) -> ConfigurationError {
        ConfigurationError([ConfigurationIssue(at: origin, keyPath: "", reason: reason)])
    }
}
