import Foundation
import Incidents
import Mustache
package import Runbook

/// What is wrong with a template.
package struct TemplateProblem: Error, CustomStringConvertible, Hashable, Sendable {
    /// The file, or the kind of a shipped template.
    package var file: String
    /// Line, from 1.
    package var line = 1
    /// Column in Unicode scalars, from 1.
    package var column = 1
    /// The name or tag in question; nil when it is the file.
    package var tag: String?
    /// What is wrong with it.
    package var reason: String
    /// Names that may stand there.
    package var known: [String] = []
    /// Whether the shipped text is used all the same.
    package var isWarning = false

    /// One sentence with the place.
    package var description: String {
        "\(file):\(line):\(column): \(tag.map { "'\($0)': " } ?? "")\(reason)"
    }
}

/// The runbook's message templates: the shipped ones, each of which a file of the same name may replace.
///
/// They are plain text: nothing is escaped as HTML.
package struct MessageTemplates: Sendable {
    private var templates: [String: MustacheTemplate] = [:]

    /// Reads the templates; a file `KIND.mustache` in the folder replaces the shipped one.
    ///
    /// Throws for a folder that is not there and for a file that is no template.
    package init(directory: String? = nil) throws(TemplateProblem) {
        if let directory, !FileManager.default.fileExists(atPath: directory) {
            throw TemplateProblem(file: directory, reason: Self.missing)
        }
        for kind in SentMessage.Kind.allCases {
            let own = try directory.flatMap { (folder) throws(TemplateProblem) in try Self.own(kind, in: folder) }
            templates[kind.rawValue] = try Self.parse(
                own?.text ?? ShippedTemplates.text(of: kind), file: own?.path ?? kind.rawValue)
        }
    }

    /// What is wrong with the files of a folder: no Mustache, names that no message has, files of no kind.
    package static func problems(in directory: String) -> [TemplateProblem] {
        guard let files = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            return [TemplateProblem(file: directory, reason: missing, isWarning: true)]
        }
        let kinds = SentMessage.Kind.allCases.map(\.rawValue)
        let strangers = files.filter { $0.hasSuffix(suffix) && !kinds.contains(String($0.dropLast(suffix.count))) }
        let unused = strangers.sorted().map { file in
            TemplateProblem(
                file: "\(directory)/\(file)", tag: String(file.dropLast(suffix.count)),
                reason: "there is no message of this kind", known: kinds, isWarning: true)
        }
        return unused + SentMessage.Kind.allCases.flatMap { problems(of: $0, in: directory) }
    }

    private static func problems(of kind: SentMessage.Kind, in directory: String) -> [TemplateProblem] {
        do throws(TemplateProblem) {
            guard let own = try own(kind, in: directory) else { return [] }
            _ = try parse(own.text, file: own.path)
            return TemplateScan(own.text, file: own.path, names: MessageFacts.names(of: kind)).problems
        } catch {
            return [error]
        }
    }

    private static let suffix = ".mustache"
    private static let missing = "there is no such folder of templates"
    /// Largest template that is read.
    private static let bytesMax = 1 << 18

    /// The folder's own template; nil when it has none.
    private static func own(
        _ kind: SentMessage.Kind, in directory: String
    ) throws(TemplateProblem) -> (path: String, text: String)? {
        let path = "\(directory)/\(kind.rawValue)\(suffix)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw TemplateProblem(file: path, reason: "the file cannot be read")
        }
        guard bytes.count <= bytesMax, let text = String(validating: bytes, as: UTF8.self) else {
            throw TemplateProblem(file: path, reason: "the file is no text, or longer than \(bytesMax) bytes")
        }
        return (path, text)
    }

    /// The message, without blank lines at its end.
    package func render(_ facts: MessageFacts) -> String {
        guard let template = templates[facts.kind.rawValue] else { return "" }
        var text = template.render(facts.values.mapValues(Self.plain))
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    /// As Mustache takes it.
    private static func plain(_ value: TemplateValue) -> Any {
        switch value {
        case .text(let text): text
        case .rows(let rows): rows
        }
    }

    private static func parse(_ text: String, file: String) throws(TemplateProblem) -> MustacheTemplate {
        do {
            return try MustacheTemplate(string: pragma + text)
        } catch let error as MustacheTemplate.ParserError {
            // The first line is ours.
            throw TemplateProblem(
                file: file, line: max(1, error.context.lineNumber - 1), column: max(1, error.context.columnNumber),
                reason: "is no Mustache: \(words(error.error))")
        } catch {
            throw TemplateProblem(file: file, reason: "is no Mustache: \(error)")
        }
    }

    private static let pragma = "{{% CONTENT_TYPE:TEXT}}\n"

    private static func words(_ error: any Error) -> String {
        switch error as? MustacheTemplate.Error {
        case .expectedSectionEnd: "a section is never closed"
        case .sectionCloseNameIncorrect: "a section is closed that is not the one open"
        case .unfinishedName: "a tag is not closed by }}"
        default: "\(error)"
        }
    }
}
