/// A piece of a parsed file, with its place.
struct ConfigurationNode: Sendable {
    /// One key and its value.
    struct Entry: Sendable {
        var key: String
        var keyOrigin: Origin
        var value: ConfigurationNode
    }

    indirect enum Content: Sendable {
        case scalar(String, isPlain: Bool)
        case sequence([ConfigurationNode])
        case mapping([Entry])
    }

    var content: Content
    var origin: Origin

    /// Whether this is an empty value, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What it is, in the words of a message: "a list".
    var kindName: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
