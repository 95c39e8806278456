/// A mapping of a configuration file while it is decoded.
///
/// Each call reads one key and declares it: type, default, bounds and text are the source of the decoder, of
/// `docs/configuration.md` and of the schema alike. Errors are collected; a call that finds one returns a placeholder,
/// and the file is refused at the end. A key is read once.
package final class Section {
    /// Where this mapping is in the file, such as `databases[0]`; empty at the top.
    package let keyPath: String
    /// Place of the mapping, or of what it is missing from.
    package let origin: Origin
    /// Whether the file has this mapping, rather than it being made of defaults.
    package let isPresent: Bool
    /// What the calls declared, in their order.
    package private(set) var fields: [FieldDescription] = []

    let context: DecodingContext
    /// The mapping on one line, in YAML's flow style; "" when it is used on this machine.
    let flowText: String
    private let entries: [String: ConfigurationNode.Entry]
    private let order: [String]
    /// Whether the mapping is itself in error, so that missing keys say nothing new.
    private let isMuted: Bool

    init(node: ConfigurationNode?, keyPath: String, parent: Origin, context: DecodingContext) {
        self.keyPath = keyPath
        self.context = context
        origin = node?.origin ?? parent
        isPresent = node != nil
        flowText = context.isElsewhere ? node?.flowText ?? "{}" : ""
        var entries: [String: ConfigurationNode.Entry] = [:]
        var order: [String] = []
        var isMuted = false
        switch node?.content {
        case .mapping(let list):
            for entry in list {
                order.append(entry.key)
                entries[entry.key] = entry
            }
        case .some where node?.isNull == true: break
        case .some:
            isMuted = true
            context.report(
                ConfigurationIssue(
                    at: origin, keyPath: keyPath,
                    reason: "expected a mapping of keys, found \(node?.kindName ?? "nothing")"))
        case nil: break
        }
        self.entries = entries
        self.order = order
        self.isMuted = isMuted
    }

    // MARK: Single values

    /// Reads a key that a file must have.
    package func required<Value>(_ key: String, _ type: ValueType<Value>, _ doc: String) -> Value {
        declare(key, type, doc, isRequired: true, defaultText: nil)
        switch read(key, type) {
        case .value(let value): return value
        case .absent: reportMissing(key, type.name)
        case .invalid: break
        }
        return type.placeholder
    }

    /// Reads a key that has a default.
    package func value<Value>(_ key: String, _ type: ValueType<Value>, default: Value, _ doc: String) -> Value {
        declare(key, type, doc, isRequired: false, defaultText: type.format(`default`))
        switch read(key, type) {
        case .value(let value): return value
        case .absent: return `default`
        case .invalid: return type.placeholder
        }
    }

    /// Reads a key that may be absent without a default.
    package func optional<Value>(_ key: String, _ type: ValueType<Value>, _ doc: String) -> Value? {
        declare(key, type, doc, isRequired: false, defaultText: nil)
        switch read(key, type) {
        case .value(let value): return value
        case .absent, .invalid: return nil
        }
    }

    /// Reads a key whose value can only be understood later, as its text and place.
    package func deferred(_ key: String, typeName: String, schema: JSONValue, isRequired: Bool = false, _ doc: String)
        -> DeferredValue?
    {
        fields.append(
            FieldDescription(
                key: key, typeName: typeName, range: nil, isRequired: isRequired, defaultText: nil, doc: doc,
                shape: .value(schema: schema, allowsEnvironment: false)))
        guard let entry = entries[key] else {
            if isRequired { reportMissing(key, typeName) }
            return nil
        }
        guard let (text, isPlain) = scalar(of: entry, key: key, allowsEnvironment: false, typeName: typeName) else {
            return nil
        }
        return DeferredValue(text: text, isPlain: isPlain, origin: entry.value.origin, keyPath: path(of: key))
    }

    /// Reads a file's path and notes it among the files that the configuration names.
    package func file(_ key: String, _ doc: String, default: String? = nil) -> String {
        let path =
            `default`.map { value(key, .path, default: $0, doc) } ?? required(key, .path, doc)
        noteFile(path, key)
        return path
    }

    /// Reads the path of a file that need not be named.
    package func optionalFile(_ key: String, _ doc: String) -> String? {
        let path = optional(key, .path, doc)
        if let path { noteFile(path, key) }
        return path
    }

    private func noteFile(_ path: String, _ key: String) {
        guard !path.isEmpty else { return }
        let place = entries[key]?.value.origin ?? origin
        context.note(FileReference(path: path, origin: place, keyPath: self.path(of: key)))
    }

    // MARK: Facts and reports

    /// A variable of the environment that a default comes from; nil when it is not set, or is empty.
    package func variable(_ name: String) -> String? {
        context.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether the file has the key.
    package func has(_ key: String) -> Bool { entries[key] != nil }

    /// Place of a key's value, nil when the file does not have it.
    package func origin(of key: String) -> Origin? { entries[key]?.value.origin }

    /// Reports something wrong with a key, at its value or else at the section.
    package func report(
        _ key: String?, value: String? = nil, _ reason: String, suggestion: String? = nil,
        level: ConfigurationIssue.Level = .error
    ) {
        guard !isMuted else { return }
        let place = key.flatMap { entries[$0]?.value.origin } ?? origin
        let path = key.map(path(of:)) ?? keyPath
        context.report(
            ConfigurationIssue(level, at: place, keyPath: path, value: value, reason: reason, suggestion: suggestion))
    }

    /// Reports something wrong with a value that was read by `deferred`.
    package func report(
        _ value: DeferredValue, _ reason: String, suggestion: String? = nil, level: ConfigurationIssue.Level = .error
    ) {
        context.report(
            ConfigurationIssue(
                level, at: value.origin, keyPath: value.keyPath, value: value.text, reason: reason,
                suggestion: suggestion))
    }

    /// Reports something wrong at a place that the caller kept.
    package func report(
        at place: Origin, keyPath: String, _ reason: String, suggestion: String? = nil,
        level: ConfigurationIssue.Level = .error
    ) {
        context.report(ConfigurationIssue(level, at: place, keyPath: keyPath, reason: reason, suggestion: suggestion))
    }

    /// Reports an issue that the caller has put together.
    package func report(_ issue: ConfigurationIssue) {
        context.report(issue)
    }

    /// Reports that a key which other values make necessary is missing.
    package func reportMissing(_ key: String, because reason: String) {
        report(nil, "the key '\(key)' is missing: \(reason)")
    }

    /// Reports every key that no call read.
    ///
    /// The decoder of a section calls it for its children; the top does it for the file.
    func finish() {
        guard !isMuted else { return }
        let known = fields.map(\.key)
        for key in order where !known.contains(key) {
            guard let entry = entries[key] else { continue }
            context.report(
                ConfigurationIssue(
                    at: entry.keyOrigin, keyPath: path(of: key), reason: "unknown key",
                    suggestion: NearestName.of(key, among: known)))
        }
    }

    // MARK: Inside

    enum Found<Value> {
        case absent
        case invalid
        case value(Value)
    }

    func path(of key: String) -> String { keyPath.isEmpty ? key : "\(keyPath).\(key)" }

    func entry(_ key: String) -> ConfigurationNode.Entry? { entries[key] }

    /// All entries in the file's order.
    var presentEntries: [ConfigurationNode.Entry] { order.compactMap { entries[$0] } }

    func append(_ field: FieldDescription) {
        assert(!fields.contains { $0.key == field.key }, "the key '\(field.key)' is declared twice")
        fields.append(field)
    }

    private func declare<Value>(
        _ key: String, _ type: ValueType<Value>, _ doc: String, isRequired: Bool, defaultText: String?
    ) {
        append(
            FieldDescription(
                key: key, typeName: type.name, range: type.range, isRequired: isRequired, defaultText: defaultText,
                doc: doc,
                shape: .value(schema: type.schema, allowsEnvironment: type.allowsEnvironment)))
    }

    private func reportMissing(_ key: String, _ typeName: String) {
        guard !isMuted else { return }
        context.report(
            ConfigurationIssue(
                at: origin, keyPath: path(of: key), reason: "this key is required and missing (\(typeName))"))
    }

    private func read<Value>(_ key: String, _ type: ValueType<Value>) -> Found<Value> {
        guard let entry = entries[key] else { return .absent }
        return parse(entry, key: key, as: type)
    }

    func parse<Value>(_ entry: ConfigurationNode.Entry, key: String, as type: ValueType<Value>) -> Found<Value> {
        guard
            let (text, isPlain) = scalar(
                of: entry, key: key, allowsEnvironment: type.allowsEnvironment, typeName: type.name)
        else { return .invalid }
        do throws(ValueProblem) {
            return .value(try type.parse(text, ValueContext(folder: context.folder, isPlain: isPlain)))
        } catch {
            // A value from the environment is not repeated: it may be anything.
            let isShown = !error.hidesValue && !entry.value.isEnvironmentReference
            context.report(
                ConfigurationIssue(
                    at: entry.value.origin, keyPath: path(of: key), value: isShown ? text : nil, reason: error.reason,
                    suggestion: isShown ? error.suggestion : nil))
            return .invalid
        }
    }

    private func scalar(
        of entry: ConfigurationNode.Entry, key: String, allowsEnvironment: Bool, typeName: String
    ) -> (text: String, isPlain: Bool)? {
        func refuse(_ reason: String) {
            context.report(ConfigurationIssue(at: entry.value.origin, keyPath: path(of: key), reason: reason))
        }
        if entry.value.isNull {
            refuse("the key has no value, expected: \(typeName)")
            return nil
        }
        switch entry.value.content {
        case .scalar(let text, let isPlain): return (text, isPlain)
        case .mapping where allowsEnvironment && entry.value.isEnvironmentReference:
            return environmentValue(of: entry.value, keyPath: path(of: key)).map { ($0, true) }
        case .mapping where entry.value.isEnvironmentReference:
            refuse("an environment variable cannot stand for this value, expected: \(typeName)")
        case .mapping, .sequence:
            refuse("expected: \(typeName); found \(entry.value.kindName)")
        }
        return nil
    }

    /// The variable that `{env: NAME}` names, or nil after a report.
    private func environmentValue(of node: ConfigurationNode, keyPath: String) -> String? {
        guard let name = node.environmentName else { return nil }
        guard !context.isElsewhere else {
            context.report(
                ConfigurationIssue(
                    at: node.origin, keyPath: keyPath,
                    reason: "no environment variable can stand here: the entry is used on other machines"))
            return nil
        }
        guard let value = context.environment[name], !value.isEmpty else {
            context.report(
                ConfigurationIssue(
                    at: node.origin, keyPath: keyPath, reason: "the environment variable '\(name)' is not set"))
            return nil
        }
        return value
    }
}

/// A value that is understood only once others are known.
package struct DeferredValue: Hashable, Sendable {
    /// The text.
    package var text: String
    /// Whether it stood without quotes.
    package var isPlain: Bool
    /// Its place.
    package var origin: Origin
    /// Its key.
    package var keyPath: String
}

extension ConfigurationNode {
    /// Whether this is `{env: NAME}`.
    var isEnvironmentReference: Bool { environmentName != nil }

    /// The name in `{env: NAME}`; nil when this is something else.
    var environmentName: String? {
        guard case .mapping(let entries) = content, entries.count == 1, entries[0].key == "env",
            case .scalar(let name, _) = entries[0].value.content, !name.isEmpty
        else { return nil }
        return name
    }
}
