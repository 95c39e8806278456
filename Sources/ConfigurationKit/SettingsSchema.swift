/// JSON Schemas of configuration files (draft 2020-12), for editors, made from what their decoders declare.
///
/// A schema is a little laxer than the decoder, which also checks bounds of durations and what keys have to do with
/// each other.
package enum SettingsSchema {
    /// The schema of one kind of file, as JSON text with a newline at its end.
    package static func json(_ kind: KindDescription) -> String {
        var members: [JSONValue.Member] = [
            .init("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            .init("title", .string("Tocsin \(kind.fileName)")),
            .init("description", .string(kind.doc)),
        ]
        let marker = JSONValue.record(["const": .string(kind.kind)])
        members += object(kind.fields, leading: [.init("kind", marker)], required: ["kind"])
        members.append(.init("$defs", .record(["env": environment])))
        return JSONValue.object(members).rendered() + "\n"
    }

    private static let environment = JSONValue.record([
        "type": .string("object"),
        "properties": .record(["env": .record(["type": .string("string"), "minLength": .number(1)])]),
        "required": .array([.string("env")]),
        "additionalProperties": .bool(false),
    ])

    private static let environmentReference = JSONValue.record(["$ref": .string("#/$defs/env")])

    private static func object(
        _ fields: [FieldDescription], leading: [JSONValue.Member] = [], required: [String] = []
    ) -> [JSONValue.Member] {
        let properties = leading + fields.map { JSONValue.Member($0.key, schema(of: $0)) }
        let needed = required + fields.filter(\.isRequired).map(\.key)
        return [
            .init("type", .string("object")),
            .init("properties", .object(properties)),
            .init("required", .array(needed.map(JSONValue.string))),
            .init("additionalProperties", .bool(false)),
        ]
    }

    private static func schema(of field: FieldDescription) -> JSONValue {
        var members: [JSONValue.Member] = []
        switch field.shape {
        case .value(let schema, let allowsEnvironment):
            if allowsEnvironment {
                members.append(.init("anyOf", .array([schema, environmentReference])))
            } else if case .object(let inner) = schema {
                members += inner
            }
        case .values(let schema, let countMax):
            members = [
                .init("type", .string("array")), .init("items", schema), .init("maxItems", .number(Double(countMax))),
            ]
        case .environment:
            members.append(.init("$ref", .string("#/$defs/env")))
        case .section(let children):
            members += object(children)
        case .sections(let children, let countMax):
            members = [
                .init("type", .string("array")), .init("items", .object(object(children))),
                .init("maxItems", .number(Double(countMax))),
            ]
        case .named(let children, _, let countMax):
            members = [
                .init("type", .string("object")), .init("additionalProperties", .object(object(children))),
                .init("maxProperties", .number(Double(countMax))),
            ]
        }
        let range = field.range.map { " (\($0))" } ?? ""
        members.append(.init("description", .string("\(field.doc) Type: \(field.typeName)\(range).")))
        if let text = field.defaultText { members.append(.init("x-default", .string(text))) }
        return .object(members)
    }
}
