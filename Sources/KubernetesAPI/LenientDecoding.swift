// The answers of kubelet and API server grow with every release: what is not understood is left out, never a reason to
// be blind.

extension KeyedDecodingContainer {
    /// The value under `key`, or nil when it is absent, null or of another type.
    package func lenient<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
        (try? decodeIfPresent(type, forKey: key)) ?? nil
    }

    /// The readable elements of the array under `key`; empty when there is no array.
    package func lenientArray<Element: Decodable>(_ type: Element.Type, _ key: Key) -> [Element] {
        lenient(LossyArray<Element>.self, key)?.elements ?? []
    }
}

/// An array that leaves out the elements it cannot read, and counts them.
package struct LossyArray<Element: Decodable>: Decodable {
    /// The elements that could be read, in order.
    package var elements: [Element] = []
    /// How many could not.
    package var unreadable = 0

    /// Reads an array and passes over what cannot be read; throws `DecodingError` only when it is no array.
    package init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        while !container.isAtEnd {
            if let element = try? container.decode(Element.self) {
                elements.append(element)
            } else {
                // A failed decode does not move on: step over the element as something that accepts anything.
                guard (try? container.decode(Anything.self)) != nil else { break }
                unreadable += 1
            }
        }
    }

    private struct Anything: Decodable {
        init(from decoder: any Decoder) throws {}
    }
}
