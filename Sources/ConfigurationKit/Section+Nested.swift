extension Section {
    // MARK: Sections below

    /// Decodes the mapping under a key.
    ///
    /// Without the key the decoder runs on an empty mapping, so that defaults apply and required keys are missed.
    package func section<Value>(_ key: String, _ doc: String, _ decode: (Section) -> Value) -> Value {
        let child = Section(node: entry(key)?.value, keyPath: path(of: key), parent: origin, context: context)
        let value = decode(child)
        child.finish()
        append(field(key, doc, typeName: "section", isRequired: child.hasRequiredFields, shape: .section(child.fields)))
        return value
    }

    /// Decodes the mapping under a key, nil without the key.
    package func optionalSection<Value>(_ key: String, _ doc: String, _ decode: (Section) -> Value) -> Value? {
        let child = Section(node: entry(key)?.value, keyPath: path(of: key), parent: origin, context: context)
        guard child.isPresent || context.isDescribing else {
            append(field(key, doc, typeName: "section", isRequired: false, shape: .section([])))
            return nil
        }
        let value = decode(child)
        child.finish()
        append(field(key, doc, typeName: "section", isRequired: false, shape: .section(child.fields)))
        return child.isPresent ? value : nil
    }

    /// Decodes a list of mappings, empty without the key.
    ///
    /// No two may have the same value under `uniqueKey`. With `elsewhere` they are used on other machines; see
    /// `remoteSections`.
    package func sections<Value>(
        _ key: String, uniqueKey: String? = nil, isRequired: Bool = false, countMax: Int = 1000,
        elsewhere: Bool = false, _ doc: String, _ decode: (Section) -> Value
    ) -> [Value] {
        let context = elsewhere ? DecodingContext(elsewhere: context) : context
        var description = FieldDescription.Shape.sections([], countMax: countMax)
        if context.isDescribing { description = .sections(describe(decode), countMax: countMax) }
        append(field(key, doc, typeName: "list of sections", isRequired: isRequired, shape: description))
        var used: [String: Origin] = [:]
        return items(key, isRequired: isRequired, countMax: countMax).enumerated().map { index, node in
            let child = Section(node: node, keyPath: "\(path(of: key))[\(index)]", parent: origin, context: context)
            let value = decode(child)
            child.finish()
            if let uniqueKey { child.checkUnique(uniqueKey, among: &used) }
            return value
        }
    }

    /// Decodes a mapping from names to mappings, in the file's order; empty without the key.
    package func namedSections<Value>(
        _ key: String, isRequired: Bool = false, countMax: Int = 1000, nameDoc: String, _ doc: String,
        _ decode: (_ name: String, Section) -> Value
    ) -> [(name: String, origin: Origin, value: Value)] {
        var description = FieldDescription.Shape.named([], nameDoc: nameDoc, countMax: countMax)
        if context.isDescribing {
            description = .named(describe { decode("NAME", $0) }, nameDoc: nameDoc, countMax: countMax)
        }
        append(field(key, doc, typeName: "named sections", isRequired: isRequired, shape: description))
        let list = Section(node: entry(key)?.value, keyPath: path(of: key), parent: origin, context: context)
        if isRequired, !list.isPresent { report(nil, "the key '\(key)' is required and missing (named sections)") }
        return list.children(countMax: countMax).map { child in
            let section = Section(
                node: child.value, keyPath: "\(path(of: key)).\(child.key)", parent: child.keyOrigin, context: context)
            let value = decode(child.key, section)
            section.finish()
            return (child.key, child.keyOrigin, value)
        }
    }

    // MARK: Lists of values

    /// Reads a list of single values, empty without the key.
    package func values<Value>(_ key: String, _ type: ValueType<Value>, countMax: Int = 1000, _ doc: String) -> [Value]
    {
        append(
            FieldDescription(
                key: key, typeName: "list of: \(type.name)", range: type.range, isRequired: false, defaultText: nil,
                doc: doc,
                shape: .values(schema: type.schema, countMax: countMax)))
        return items(key, isRequired: false, countMax: countMax).enumerated().compactMap { index, node in
            let entry = ConfigurationNode.Entry(key: key, keyOrigin: node.origin, value: node)
            if case .value(let value) = parse(entry, key: "\(key)[\(index)]", as: type) { return value }
            return nil
        }
    }

    // MARK: Secrets

    /// Reads a secret by reference: `NAMEFile: PATH` or `NAME: {env: VARIABLE}`, never both and never the secret
    /// itself.
    package func secret(_ name: String, _ doc: String) -> SecretReference? {
        let file = optionalFile(
            "\(name)File", "File that holds \(doc) A newline at its end is dropped; it is read again when used.")
        append(
            FieldDescription(
                key: name, typeName: "`{env: NAME}`", range: nil, isRequired: false, defaultText: nil,
                doc: "Environment variable that holds \(doc)", shape: .environment))
        guard let entry = entry(name) else { return file.map { .file($0) } }
        guard let variable = entry.value.environmentName else {
            let fix = "put it into a file and name that under '\(name)File', or write '\(name): {env: NAME}'"
            report(name, "a secret must not stand in a configuration file; \(fix)")
            return nil
        }
        if file != nil { report(name, "'\(name)' and '\(name)File' exclude each other") }
        if !context.isElsewhere, context.environment[variable] == nil {
            report(name, "the environment variable '\(variable)' is not set")
        }
        return .environment(variable)
    }

    // MARK: Inside

    private var hasRequiredFields: Bool {
        fields.contains { $0.isRequired }
    }

    private func field(
        _ key: String, _ doc: String, typeName: String, isRequired: Bool, shape: FieldDescription.Shape
    ) -> FieldDescription {
        FieldDescription(
            key: key, typeName: typeName, range: nil, isRequired: isRequired, defaultText: nil, doc: doc, shape: shape)
    }

    private func describe<Value>(_ decode: (Section) -> Value) -> [FieldDescription] {
        let child = Section(node: nil, keyPath: "", parent: origin, context: context)
        _ = decode(child)
        return child.fields
    }

    private func items(_ key: String, isRequired: Bool, countMax: Int) -> [ConfigurationNode] {
        guard let entry = entry(key) else {
            if isRequired { report(nil, "the key '\(key)' is required and missing (a list)") }
            return []
        }
        if entry.value.isNull, !isRequired { return [] }
        guard case .sequence(let items) = entry.value.content else {
            report(key, "expected a list, found \(entry.value.kindName)")
            return []
        }
        if items.count > countMax { report(key, "has \(items.count) entries, more than the \(countMax) allowed") }
        return Array(items.prefix(countMax))
    }

    private func children(countMax: Int) -> [ConfigurationNode.Entry] {
        let all = presentEntries
        if all.count > countMax { report(nil, "has \(all.count) entries, more than the \(countMax) allowed") }
        return Array(all.prefix(countMax))
    }

    private func checkUnique(_ key: String, among used: inout [String: Origin]) {
        guard case .scalar(let text, _)? = entry(key)?.value.content, let place = origin(of: key) else { return }
        if let first = used[text] {
            report(key, value: text, "is already used at line \(first.line)")
        } else {
            used[text] = place
        }
    }
}
