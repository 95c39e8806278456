/// What a parser of values knows beside the value.
package struct ValueContext: Sendable {
    /// The folder that relative paths start from.
    package var folder: String
    /// Whether the scalar stood without quotes.
    package var isPlain: Bool

    /// Makes a context.
    package init(folder: String, isPlain: Bool) {
        self.folder = folder
        self.isPlain = isPlain
    }
}

/// How a single value of a configuration file is read, checked, written and described.
package struct ValueType<Value: Sendable>: Sendable {
    /// What it is, for documentation and messages: "duration".
    package var name: String
    /// The values allowed, for documentation: "1s to 5m"; nil when the type says it all.
    package var range: String?
    /// JSON Schema of the value.
    package var schema: JSONValue
    /// Whether `{env: NAME}` may stand for the value.
    package var allowsEnvironment: Bool
    /// What decoding goes on with after an error; never seen by a caller, since the file is refused.
    package var placeholder: Value
    /// Reads a value.
    package var parse: @Sendable (String, ValueContext) throws(ValueProblem) -> Value
    /// Writes a value as it would stand in a file.
    package var format: @Sendable (Value) -> String

    /// Makes a type.
    package init(
        name: String, range: String? = nil, schema: JSONValue, allowsEnvironment: Bool = false, placeholder: Value,
        parse: @escaping @Sendable (String, ValueContext) throws(ValueProblem) -> Value,
        format: @escaping @Sendable (Value) -> String
    ) {
        self.name = name
        self.range = range
        self.schema = schema
        self.allowsEnvironment = allowsEnvironment
        self.placeholder = placeholder
        self.parse = parse
        self.format = format
    }
}

extension ValueType where Value == Duration {
    /// A duration within bounds.
    package static func duration(in range: ClosedRange<Duration>) -> ValueType {
        let bounds = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
        return ValueType(
            name: "duration", range: bounds,
            schema: .record([
                "type": .string("string"),
                "pattern": .string("^(0|([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"),
            ]),
            placeholder: range.lowerBound,
            parse: { text, _ throws(ValueProblem) in
                let value = try DurationText.parse(text)
                guard range.contains(value) else { throw ValueProblem("must be \(bounds)") }
                return value
            },
            format: DurationText.format)
    }
}

extension ValueType where Value == Int {
    /// A size in bytes within bounds.
    package static func size(in range: ClosedRange<Int>) -> ValueType {
        let bounds = "\(SizeText.format(range.lowerBound)) to \(SizeText.format(range.upperBound))"
        return ValueType(
            name: "size", range: bounds,
            schema: .record(["type": .string("string"), "pattern": .string("^[0-9]+([KMGT]iB|[kKMGT]B|B)$")]),
            placeholder: range.lowerBound,
            parse: { text, _ throws(ValueProblem) in
                let value = try SizeText.parse(text)
                guard range.contains(value) else { throw ValueProblem("must be \(bounds)") }
                return value
            },
            format: SizeText.format)
    }

    /// A whole number within bounds.
    package static func integer(in range: ClosedRange<Int>) -> ValueType {
        let bounds = "\(range.lowerBound) to \(range.upperBound)"
        return ValueType(
            name: "whole number", range: bounds,
            schema: .record([
                "type": .string("integer"), "minimum": .number(Double(range.lowerBound)),
                "maximum": .number(Double(range.upperBound)),
            ]),
            placeholder: range.lowerBound,
            parse: { text, context throws(ValueProblem) in
                guard let value = Int(text), text.first != "+" else { throw ValueProblem("must be a whole number") }
                guard context.isPlain else { throw ValueProblem("must be a whole number, without quotes") }
                guard range.contains(value) else { throw ValueProblem("must be \(bounds)") }
                return value
            },
            format: { String($0) })
    }
}

extension ValueType where Value == Double {
    /// A ratio from 0 to 1, written as a percentage or a fraction.
    package static let ratio = ValueType(
        name: "ratio", range: "0% to 100%",
        schema: .record([
            "anyOf": .array([
                .record(["type": .string("number"), "minimum": .number(0), "maximum": .number(1)]),
                .record(["type": .string("string"), "pattern": .string("^[0-9]+(\\.[0-9]+)? ?%$")]),
            ])
        ]),
        placeholder: 0,
        parse: { text, _ throws(ValueProblem) in
            let value = try RatioText.parse(text)
            guard (0...1).contains(value) else { throw ValueProblem("must be 0% to 100%") }
            return value
        },
        format: RatioText.format)

    /// A number within bounds.
    package static func number(in range: ClosedRange<Double>) -> ValueType {
        let bounds = "\(NumberText.format(range.lowerBound)) to \(NumberText.format(range.upperBound))"
        return ValueType(
            name: "number", range: bounds,
            schema: .record([
                "type": .string("number"), "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound),
            ]),
            placeholder: range.lowerBound,
            parse: { text, _ throws(ValueProblem) in
                guard let value = NumberText.value(text) else { throw ValueProblem("must be a number") }
                guard range.contains(value) else { throw ValueProblem("must be \(bounds)") }
                return value
            },
            format: NumberText.format)
    }
}

extension ValueType where Value == Bool {
    /// `true` or `false`; YAML 1.1's other words for them are refused.
    package static let boolean = ValueType(
        name: "true or false", schema: .record(["type": .string("boolean")]), placeholder: false,
        parse: { text, context throws(ValueProblem) in
            switch text {
            case "true" where context.isPlain: return true
            case "false" where context.isPlain: return false
            case "yes", "on", "Yes", "On", "True", "TRUE":
                throw ValueProblem("must be true or false", suggestion: "true")
            case "no", "off", "No", "Off", "False", "FALSE":
                throw ValueProblem("must be true or false", suggestion: "false")
            default: throw ValueProblem("must be true or false" + (context.isPlain ? "" : ", without quotes"))
            }
        },
        format: { $0 ? "true" : "false" })
}

extension ValueType {
    /// One of a fixed set of words.
    package static func choice(of type: Value.Type = Value.self) -> ValueType
    where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
        let words = Value.allCases.map(\.rawValue)
        precondition(!words.isEmpty, "a choice of nothing")
        return ValueType(
            name: "one of " + words.map { "`\($0)`" }.joined(separator: ", "),
            schema: .record(["enum": .array(words.map(JSONValue.string))]),
            placeholder: Value.allCases[Value.allCases.startIndex],
            parse: { text, _ throws(ValueProblem) in
                guard let value = Value(rawValue: text) else {
                    throw ValueProblem(
                        "must be one of \(words.joined(separator: ", "))",
                        suggestion: NearestName.of(text, among: words))
                }
                return value
            },
            format: \.rawValue)
    }
}
