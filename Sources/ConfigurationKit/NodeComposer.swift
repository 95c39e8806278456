/// Builds the tree of a file from its events, counting nodes.
struct NodeComposer: ~Copyable {
    /// A node that has a name, and what following an alias to it adds.
    private struct Anchored {
        var node: ConfigurationNode
        var nodes: Int
        var height: Int
    }

    private let file: String
    private var events: YAMLEvents
    private var anchors: [String: Anchored] = [:]
    /// Nodes so far, aliases followed.
    private var nodes = 0

    private init(file: String, events: consuming YAMLEvents) {
        self.file = file
        self.events = events
    }

    /// The one document of a text.
    ///
    /// Throws one issue: YAML cannot be read further than its first syntax error.
    static func document(of text: String, file: String) throws(ConfigurationError) -> ConfigurationNode {
        var text = text
        // `withUTF8` does not know typed errors.
        let result = text.withUTF8 { bytes -> Result<ConfigurationNode, ConfigurationError> in
            do throws(ConfigurationError) {
                var composer = try NodeComposer(file: file, bytes: bytes)
                return .success(try composer.document())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(file: String, bytes: UnsafeBufferPointer<UInt8>) throws(ConfigurationError) {
        do throws(YAMLProblem) {
            self.init(file: file, events: try YAMLEvents(of: bytes))
        } catch {
            throw Self.refused(error, in: file)
        }
    }

    private mutating func document() throws(ConfigurationError) -> ConfigurationNode {
        var event = try next()
        if case .streamStart = event.kind { event = try next() }
        guard case .documentStart = event.kind else {
            throw refused(at: Origin(file: file, line: 1, column: 1), "the file is empty")
        }
        let root = try node(from: try next(), depth: 0).node
        event = try next()
        if case .documentEnd = event.kind { event = try next() }
        guard case .streamEnd = event.kind else {
            throw refused(at: origin(of: event), "not valid YAML: a file holds one document, this is a second")
        }
        return root
    }

    /// The node that starts with an event, and the levels below it.
    private mutating func node(
        from event: YAMLEvent, depth: Int
    ) throws(ConfigurationError) -> (node: ConfigurationNode, height: Int) {
        let origin = origin(of: event)
        let nodesBefore = nodes
        try count(1, at: origin)
        try check(depth: depth, at: origin)
        let node: ConfigurationNode
        let name: String?
        var height = 0
        switch event.kind {
        case .scalar(let text, let isPlain, let anchor):
            node = ConfigurationNode(content: .scalar(text, isPlain: isPlain), origin: origin)
            name = anchor
        case .sequenceStart(let anchor):
            let items = try items(depth: depth + 1, height: &height)
            node = ConfigurationNode(content: .sequence(items), origin: origin)
            name = anchor
        case .mappingStart(let anchor):
            let entries = try entries(depth: depth + 1, height: &height)
            node = ConfigurationNode(content: .mapping(entries), origin: origin)
            name = anchor
        case .alias(let alias):
            // An anchor counts from the end of its node: none can hold itself.
            guard let anchored = anchors[alias] else {
                throw refused(at: origin, "not valid YAML: no '&\(alias)' stands before this alias")
            }
            try count(anchored.nodes - 1, at: origin)
            try check(depth: depth + anchored.height, at: origin)
            return (anchored.node, anchored.height)
        default:
            throw refused(at: origin, "not valid YAML: a value is missing")
        }
        if let name { anchors[name] = Anchored(node: node, nodes: nodes - nodesBefore, height: height) }
        return (node, height)
    }

    private mutating func items(depth: Int, height: inout Int) throws(ConfigurationError) -> [ConfigurationNode] {
        var items: [ConfigurationNode] = []
        while true {
            let event = try next()
            if case .sequenceEnd = event.kind { return items }
            let item = try node(from: event, depth: depth)
            height = max(height, item.height + 1)
            items.append(item.node)
        }
    }

    private mutating func entries(
        depth: Int, height: inout Int
    ) throws(ConfigurationError) -> [ConfigurationNode.Entry] {
        var entries: [ConfigurationNode.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try next()
            if case .mappingEnd = event.kind { return entries }
            let keyOrigin = origin(of: event)
            guard case .scalar(let key, _, let anchor) = event.kind else {
                throw refused(at: keyOrigin, "a key must be plain text")
            }
            guard key != "<<" else {
                throw refused(at: keyOrigin, "merge keys ('<<') are not supported; write the keys out")
            }
            if let line = lines.updateValue(keyOrigin.line, forKey: key) {
                throw duplicateKey(key, at: keyOrigin, firstLine: line)
            }
            if let anchor {
                let node = ConfigurationNode(content: .scalar(key, isPlain: true), origin: keyOrigin)
                anchors[anchor] = Anchored(node: node, nodes: 1, height: 0)
            }
            let value = try node(from: try next(), depth: depth)
            height = max(height, value.height + 1)
            entries.append(.init(key: key, keyOrigin: keyOrigin, value: value.node))
        }
    }

    private mutating func next() throws(ConfigurationError) -> YAMLEvent {
        do throws(YAMLProblem) {
            return try events.next()
        } catch {
            throw Self.refused(error, in: file)
        }
    }

    private mutating func count(_ more: Int, at origin: Origin) throws(ConfigurationError) {
        nodes += more
        guard nodes <= ConfigurationSource.nodesMax else {
            throw refused(at: origin, "more than \(ConfigurationSource.nodesMax) values, aliases followed")
        }
    }

    private func check(depth: Int, at origin: Origin) throws(ConfigurationError) {
        guard depth <= ConfigurationSource.depthMax else {
            throw refused(at: origin, "nested deeper than \(ConfigurationSource.depthMax) levels")
        }
    }

    private func origin(of event: YAMLEvent) -> Origin {
        Origin(file: file, line: event.line, column: event.column)
    }

    private func duplicateKey(_ key: String, at origin: Origin, firstLine: Int) -> ConfigurationError {
        let reason =
            origin.line == firstLine
            ? "this key is written twice in one mapping" : "this key is already written at line \(firstLine)"
        return ConfigurationError([ConfigurationIssue(at: origin, keyPath: key, reason: reason)])
    }

    private func refused(at origin: Origin, _ reason: String) -> ConfigurationError {
        ConfigurationError([ConfigurationIssue(at: origin, keyPath: "", reason: reason)])
    }

    private static func refused(_ problem: YAMLProblem, in file: String) -> ConfigurationError {
        let origin = Origin(file: file, line: problem.line, column: problem.column)
        return ConfigurationError([
            ConfigurationIssue(at: origin, keyPath: "", reason: "not valid YAML: \(problem.reason)")
        ])
    }
}
