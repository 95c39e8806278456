import FoundationEssentials

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
        return try NodeComposer.document(of: text, file: file)
    }

    private func refused(at origin: Origin, _ reason: String) -> ConfigurationError {
        ConfigurationError([ConfigurationIssue(at: origin, keyPath: "", reason: reason)])
    }
}
