import QueryWire
import Telemetry

/// What a command has to say to programs: JSON's values with the order of keys kept.
enum OutputValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([OutputValue])
    case object([Entry])

    /// One key with its value.
    struct Entry: Hashable, Sendable {
        var key: String
        var value: OutputValue
    }

    /// A moment as RFC 3339 in UTC with milliseconds; null for nil.
    static func time(_ time: Timestamp?) -> OutputValue { time.map { .string(TimeText.rfc3339($0)) } ?? .null }

    /// Text; null for nil.
    static func text(_ text: String?) -> OutputValue { text.map { .string($0) } ?? .null }

    /// A count.
    static func count(_ count: Int) -> OutputValue { .integer(Int64(count)) }

    /// The value as JSON, two spaces an indent, with a newline at the end.
    ///
    /// JSON has neither NaN nor infinities: NaN is null, infinities are the strings "+Inf" and "-Inf".
    var json: String {
        var text = ""
        write(to: &text, indent: 0)
        return text + "\n"
    }

    private func write(to text: inout String, indent: Int) {
        switch self {
        case .array(let values) where !values.isEmpty:
            Self.writeBlock(to: &text, indent: indent, brackets: ("[", "]"), count: values.count) { index, text in
                values[index].write(to: &text, indent: indent + 1)
            }
        case .object(let entries) where !entries.isEmpty:
            Self.writeBlock(to: &text, indent: indent, brackets: ("{", "}"), count: entries.count) { index, text in
                text += Self.quoted(entries[index].key) + ": "
                entries[index].value.write(to: &text, indent: indent + 1)
            }
        case .array: text += "[]"
        case .object: text += "{}"
        default: text += scalar
        }
    }

    private static func writeBlock(
        to text: inout String, indent: Int, brackets: (String, String), count: Int, item: (Int, inout String) -> Void
    ) {
        text += brackets.0
        for index in 0..<count {
            text += (index == 0 ? "\n" : ",\n") + String(repeating: "  ", count: indent + 1)
            item(index, &text)
        }
        text += "\n" + String(repeating: "  ", count: indent) + brackets.1
    }

    /// A scalar as JSON; "" for an array or an object.
    var scalar: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .unsigned(let value): String(value)
        case .number(let value): Self.numeral(value)
        case .string(let value): Self.quoted(value)
        case .array, .object: ""
        }
    }

    private static func numeral(_ value: Double) -> String {
        if value.isNaN { return "null" }
        if value.isInfinite { return value > 0 ? "\"+Inf\"" : "\"-Inf\"" }
        if value == value.rounded(), abs(value) < 9e15 { return String(Int64(value)) }
        return value.description
    }

    /// A string as JSON: quote, backslash and control characters escaped, the rest as it is.
    static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _
            where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028
                || scalar.value == 0x2029:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

extension OutputValue: ExpressibleByDictionaryLiteral {
    init(dictionaryLiteral elements: (String, OutputValue)...) {
        self = .object(elements.map { Entry(key: $0.0, value: $0.1) })
    }
}
