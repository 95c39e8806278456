import Foundation
import Incidents
import Mustache
package import Runbook

/// A template that cannot be used.
package struct TemplateProblem: Error, CustomStringConvertible, Sendable {
    /// One sentence with the file.
    package var description: String
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
            throw TemplateProblem(description: "\(directory): there is no such folder of templates")
        }
        for kind in SentMessage.Kind.allCases {
            let path = directory.map { "\($0)/\(kind.rawValue).mustache" }
            let own = path.flatMap { FileManager.default.contents(atPath: $0) }
            let text = own.map { String(decoding: $0, as: UTF8.self) } ?? ShippedTemplates.text(of: kind)
            templates[kind.rawValue] = try Self.parse(text, name: own == nil ? kind.rawValue : path ?? kind.rawValue)
        }
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

    private static func parse(_ text: String, name: String) throws(TemplateProblem) -> MustacheTemplate {
        do {
            return try MustacheTemplate(string: "{{% CONTENT_TYPE:TEXT}}\n" + text)
        } catch {
            throw TemplateProblem(description: "\(name): no Mustache template: \(error)")
        }
    }
}
