/// A feature of the ingest stream that one side may use only when the other knows it.
package enum LinkCapability: String, Hashable, Sendable, CaseIterable {
    /// Sample blocks may be of version 2, which build on each other: a chain for each lane of each stream.
    case chainedBlocks = "sample-block-2"
    /// After an outage, what is new comes first and the backlog on a lane of its own.
    case lanes

    /// All that this version understands.
    package static let supported = Set(allCases)

    /// Those of a message that this version knows; a newer peer may name others.
    package static func known(in names: [String]) -> Set<LinkCapability> {
        Set(names.prefix(64).compactMap { LinkCapability(rawValue: $0) })
    }

    /// The names as a message has them, sorted.
    package static func names(of capabilities: Set<LinkCapability>) -> [String] {
        capabilities.map(\.rawValue).sorted()
    }
}
