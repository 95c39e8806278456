import Foundation

/// A JSON document that can be edited in place.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses a document.
    package init(parsing bytes: [UInt8]) throws {
        self.init(try JSONSerialization.jsonObject(with: Data(bytes)))
    }

    private init(_ value: Any) {
        switch value {
        case let text as String: self = .string(text)
        case let members as [String: Any]: self = .object(members.mapValues { JSONValue($0) })
        case let elements as [Any]: self = .array(elements.map { JSONValue($0) })
        case let number as NSNumber:
            // The type code is all that tells a truth from a number: c for Bool, d for Double, the rest are whole.
            switch String(cString: number.objCType) {
            case "c": self = .bool(number.boolValue)
            case "d", "f": self = .double(number.doubleValue)
            default: self = .int(number.int64Value)
            }
        default: self = .null
        }
    }

    /// The document's text.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    // JSONEncoder takes a second for a big list in a debug build, and a test's kubelet answers hundreds of times.
    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .int(let value): bytes += String(value).utf8
        case .double(let value): bytes += value.description.utf8
        case .string(let text): Self.append(text, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.append(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20: bytes += ("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
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
