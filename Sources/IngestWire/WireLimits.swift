/// What one message of the ingest stream may hold; checked before anything is kept.
package struct WireLimits: Hashable, Sendable {
    /// Bytes of a name: cluster, node, label name, target id, edge kind.
    package var nameBytesMax: Int
    /// Bytes of a label's value or of a message for people.
    package var valueBytesMax: Int
    /// Labels of an edge or a target.
    package var labelsMax: Int
    /// Edges of a batch.
    package var edgesMax: Int
    /// Targets of a report.
    package var targetsMax: Int
    /// Bytes of a sample block.
    package var blockBytesMax: Int

    /// Limits far above what an agent within its own budget sends.
    package static let standard = WireLimits(
        nameBytesMax: 253, valueBytesMax: 4096, labelsMax: 40, edgesMax: 10_000, targetsMax: 5_000,
        blockBytesMax: 4 << 20)

    /// Makes limits.
    package init(
        nameBytesMax: Int, valueBytesMax: Int, labelsMax: Int, edgesMax: Int, targetsMax: Int, blockBytesMax: Int
    ) {
        self.nameBytesMax = nameBytesMax
        self.valueBytesMax = valueBytesMax
        self.labelsMax = labelsMax
        self.edgesMax = edgesMax
        self.targetsMax = targetsMax
        self.blockBytesMax = blockBytesMax
    }

    func name(_ text: String, _ what: String) throws(WireError) -> String {
        guard !text.isEmpty, text.utf8.count <= nameBytesMax else {
            throw WireError(.invalidField, "\(what) must have 1 to \(nameBytesMax) bytes, has \(text.utf8.count)")
        }
        return text
    }

    func value(_ text: String, _ what: String) throws(WireError) -> String {
        guard text.utf8.count <= valueBytesMax else {
            throw WireError(.invalidField, "\(what) must have at most \(valueBytesMax) bytes, has \(text.utf8.count)")
        }
        return text
    }

    /// Longest definition of a target: an entry of a configuration file on one line.
    static let definitionBytesMax = 64 << 10

    func definition(_ text: String) throws(WireError) -> String {
        guard !text.isEmpty, text.utf8.count <= Self.definitionBytesMax else {
            throw WireError(
                .invalidField,
                "a target's definition must have 1 to \(Self.definitionBytesMax) bytes, has \(text.utf8.count)")
        }
        return text
    }

    func count(_ count: Int, atMost limit: Int, _ what: String) throws(WireError) {
        guard count <= limit else {
            throw WireError(.tooLarge, "\(count) \(what), at most \(limit) are taken")
        }
    }
}
