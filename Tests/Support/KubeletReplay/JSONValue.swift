import Foundation

/// A JSON document that can be edited in place.
package enum JSONValue: Sendable, Hashable, Codable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses a document.
    package init(parsing bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([String: JSONValue].self) {
            self = .object(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .int(value)
        } else {
            self = .double(try container.decode(Double.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    /// The document's text.
    package var bytes: [UInt8] {
        get throws { [UInt8](try JSONEncoder().encode(self)) }
    }

    /// The member of that name, nil when there is none or this is no object.
    ///
    /// Setting a member of another value than an object makes it one.
    package subscript(key: String) -> JSONValue? {
        get {
            if case .object(let members) = self { members[key] } else { nil }
        }
        set {
            var members: [String: JSONValue] = [:]
            if case .object(let present) = self { members = present }
            members[key] = newValue
            self = .object(members)
        }
    }

    /// The text, nil when this is none.
    package var text: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The number, nil when this is none.
    package var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The elements, empty when this is no array.
    package var elements: [JSONValue] {
        get {
            if case .array(let elements) = self { elements } else { [] }
        }
        set { self = .array(newValue) }
    }

    /// Edits each element of the array under `key`; without an array nothing changes.
    package mutating func mapElements(_ key: String, _ edit: (inout JSONValue) -> Void) {
        guard case .array(var elements)? = self[key] else { return }
        for index in elements.indices { edit(&elements[index]) }
        self[key] = .array(elements)
    }

    /// This document with `transform` applied to each string; `key` is the name of the member it stands under.
    func mappingStrings(under key: String = "", _ transform: (_ key: String, _ text: String) -> String) -> JSONValue {
        switch self {
        case .string(let text): .string(transform(key, text))
        case .array(let elements): .array(elements.map { $0.mappingStrings(under: key, transform) })
        case .object(let members):
            .object(Dictionary(uniqueKeysWithValues: members.map { ($0, $1.mappingStrings(under: $0, transform)) }))
        default: self
        }
    }
}
