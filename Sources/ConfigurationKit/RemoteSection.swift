/// A part of a file that is checked here and used on another machine.
package struct RemoteSection<Value: Sendable>: Sendable {
    /// The part as text, to be decoded over there by `ConfigurationFile.decodePart`.
    package var text: String
    /// What it says; files and variables that it names are the other machine's.
    package var value: Value

    /// Keeps a part with its text.
    package init(text: String, value: Value) {
        self.text = text
        self.value = value
    }
}

extension RemoteSection: Equatable where Value: Equatable {}
extension RemoteSection: Hashable where Value: Hashable {}

extension Section {
    /// Decodes a list of mappings that other machines use, empty without the key.
    ///
    /// Secrets are named as everywhere, by file or variable, and looked up over there; no other value may come from a
    /// variable, and files are not looked for here.
    package func remoteSections<Value: Sendable>(
        _ key: String, uniqueKey: String? = nil, countMax: Int = 1000, _ doc: String, _ decode: (Section) -> Value
    ) -> [RemoteSection<Value>] {
        sections(key, uniqueKey: uniqueKey, countMax: countMax, elsewhere: true, doc) { section in
            RemoteSection(text: section.flowText, value: decode(section))
        }
    }
}

extension ConfigurationFile {
    /// Decodes one part of a file that was checked on another machine, reporting everything that is wrong with it.
    ///
    /// - Parameters:
    ///   - name: what messages call the part.
    ///   - folder: where relative paths in it start from.
    ///   - environment: what secrets by variable refer to.
    package static func decodePart<Value: Sendable>(
        _ text: String, name: String, folder: String, environment: [String: String], _ decode: (Section) -> Value
    ) throws(ConfigurationError) -> Value {
        let root = try ConfigurationSource(file: name, folder: folder, text: text).parsed()
        let context = DecodingContext(environment: environment, folder: folder, isDescribing: false)
        let section = Section(node: root, keyPath: "", parent: root.origin, context: context)
        let value = decode(section)
        section.finish()
        let issues = context.sortedIssues
        guard issues.allSatisfy({ $0.level == .warning }) else { throw ConfigurationError(issues) }
        return value
    }
}

extension ConfigurationNode {
    /// The node on one line, in YAML's flow style.
    ///
    /// What stood without quotes stays so where it can, since that tells a number from a text.
    var flowText: String {
        switch content {
        case .scalar(let text, let isPlain): isPlain && Self.isSafe(text) ? text : Self.quoted(text)
        case .sequence(let items): "[" + items.map(\.flowText).joined(separator: ", ") + "]"
        case .mapping(let entries):
            "{" + entries.map { Self.quoted($0.key) + ": " + $0.value.flowText }.joined(separator: ", ") + "}"
        }
    }

    /// Letters, digits and what numbers, durations and names need: never read as anything but a plain scalar.
    private static func isSafe(_ text: String) -> Bool {
        text.first.map { $0.isASCII && ($0.isLetter || $0.isNumber) } == true
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
                    UInt8(ascii: "%"):
                    true
                default: false
                }
            }
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\n": "\\n"
            case "\t": "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f: "\\x" + Self.hex(scalar.value)
            default: String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return digits.count < 2 ? "0" + digits : digits
    }
}
