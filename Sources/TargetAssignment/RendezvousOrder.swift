import FlowControl

/// Which agents stand first for a target: the same order on every coordinator, and when an agent comes or goes only
/// the targets that it stands first for move.
///
/// Highest random weight, after Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998.
package enum RendezvousOrder {
    /// The agents by their weight for the target, heaviest first; equal weights by name.
    package static func agents(_ agents: some Sequence<String>, for target: String) -> [String] {
        agents.map { (weight: StableHash.fnv1a("\(target)\n\($0)"), name: $0) }
            .sorted { $0.weight == $1.weight ? $0.name < $1.name : $0.weight > $1.weight }
            .map(\.name)
    }
}
