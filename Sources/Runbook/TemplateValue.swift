/// What stands for a name in a template.
package enum TemplateValue: Hashable, Sendable, ExpressibleByStringLiteral {
    /// A text.
    case text(String)
    /// A section that is repeated for each row; names that a row lacks are looked up outside.
    case rows([[String: String]])

    package init(stringLiteral value: String) { self = .text(value) }
}

/// The names that a template may use.
package struct TemplateNames: Hashable, Sendable {
    /// Names of texts; a section of one is there when the text is.
    package var texts: Set<String>
    /// Names of repeated sections, each with the names inside.
    package var rows: [String: Set<String>]

    /// Makes a set of names.
    package init(texts: Set<String>, rows: [String: Set<String>] = [:]) {
        self.texts = texts
        self.rows = rows
    }
}
