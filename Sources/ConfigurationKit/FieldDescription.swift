/// What a key of a configuration file is, as its decoder declares it: the source of the reference and of the schema.
package struct FieldDescription: Hashable, Sendable {
    /// What stands under the key.
    package enum Shape: Hashable, Sendable {
        /// A single value.
        case value(schema: JSONValue, allowsEnvironment: Bool)
        /// A list of single values.
        case values(schema: JSONValue, countMax: Int)
        /// Only `{env: NAME}`.
        case environment
        /// A mapping with known keys.
        case section([FieldDescription])
        /// A list of mappings with known keys.
        case sections([FieldDescription], countMax: Int)
        /// A mapping from names to mappings with known keys.
        case named([FieldDescription], nameDoc: String, countMax: Int)
    }

    /// The key.
    package var key: String
    /// Its type, for people.
    package var typeName: String
    /// Values allowed, for people; nil when the type says it all.
    package var range: String?
    /// Whether a file without it is refused.
    package var isRequired: Bool
    /// What a missing key means, as it would be written; nil when there is no default.
    package var defaultText: String?
    /// What it is for, in sentences.
    package var doc: String
    /// What stands under it.
    package var shape: Shape
}

/// One kind of configuration file.
package struct KindDescription: Hashable, Sendable {
    /// The word after `kind:`.
    package var kind: String
    /// Name of the file, such as `agent.yaml`.
    package var fileName: String
    /// What the file is for, in sentences.
    package var doc: String
    /// Its keys, `kind` left out.
    package var fields: [FieldDescription]
}
