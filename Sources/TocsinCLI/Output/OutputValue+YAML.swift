extension OutputValue {
    /// The value as YAML in block style.
    ///
    /// Strings are quoted unless they are plainly words, so that none is read as another type.
    var yaml: String {
        var text = ""
        switch self {
        case .array(let values) where !values.isEmpty: writeYAML(to: &text, indent: 0)
        case .object(let entries) where !entries.isEmpty: writeYAML(to: &text, indent: 0)
        default: text = flow + "\n"
        }
        return text
    }

    private func writeYAML(to text: inout String, indent: Int) {
        let margin = String(repeating: "  ", count: indent)
        switch self {
        case .array(let values):
            for value in values {
                text += margin + "-"
                guard value.isBlock else {
                    text += " " + value.flow + "\n"
                    continue
                }
                // The first line of the item goes behind the dash.
                var item = ""
                value.writeYAML(to: &item, indent: indent + 1)
                text += " " + item.dropFirst(margin.count + 2)
            }
        case .object(let entries):
            for entry in entries {
                text += margin + Self.yamlString(entry.key) + ":"
                if entry.value.isBlock {
                    text += "\n"
                    entry.value.writeYAML(to: &text, indent: indent + 1)
                } else {
                    text += " " + entry.value.flow + "\n"
                }
            }
        default: text += margin + flow + "\n"
        }
    }

    private var isBlock: Bool {
        switch self {
        case .array(let values): !values.isEmpty
        case .object(let entries): !entries.isEmpty
        default: false
        }
    }

    private var flow: String {
        switch self {
        case .array: "[]"
        case .object: "{}"
        case .string(let value): Self.yamlString(value)
        default: scalar
        }
    }

    /// Words of letters and dashes stay plain, except those that YAML 1.1 or 1.2 reads as something else.
    private static func yamlString(_ value: String) -> String {
        let reserved: Set = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"]
        let isPlain =
            value.utf8.count > 1 && !reserved.contains(value.lowercased()) && value.first?.isLetter == true
            && value.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: false
                }
            }
        return isPlain ? value : quoted(value)
    }
}
