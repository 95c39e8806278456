package import Telemetry

/// What is stored of the blocks of one lane when some of their samples are not to be.
///
/// A block that is kept whole is stored as it came. One that is not is written anew, standing alone, with what is kept
/// of it; so are all blocks after it that build on it, since the store no longer has what they build on. The next chain
/// is stored as it comes again: at most 60 blocks later.
package struct StoredLane: Sendable {
    /// A block that was written anew and stands alone.
    package struct Rewritten: Sendable, Hashable {
        /// The block.
        package var block: [UInt8]
        /// Samples that were to be kept and did not fit; none of a block that an agent makes.
        package var lost = 0
    }

    private let encoder: SampleBlockEncoder
    /// The chain whose later blocks cannot be stored as they come.
    private var cut: UInt64?

    /// Makes the storing end of a lane.
    package init(limits: SampleBlockLimits = .default) {
        encoder = SampleBlockEncoder(limits: limits)
    }

    /// Takes the next block of the lane.
    ///
    /// - Parameters:
    ///   - chainStart: sequence of the frame that starts its chain; nil when it stands alone.
    ///   - kept: what is to be stored of it; nil when all of it is.
    ///   - all: all samples of the block, asked for when it must be written anew although all of it is kept.
    /// - Returns: what is stored in its place; nil when it is stored as it came.
    package mutating func rewritten(chainStart: UInt64?, kept: [Sample]?, all: () -> [Sample]) -> Rewritten? {
        if let chainStart {
            if chainStart != cut { cut = nil }
            if kept != nil { cut = chainStart }
            return cut == nil ? nil : rewritten(kept ?? all())
        }
        return kept.map { rewritten($0) }
    }

    private func rewritten(_ samples: [Sample]) -> Rewritten {
        do {
            return Rewritten(block: try encoder.encode(samples))
        } catch {
            // A frame has room for one block: the first half that fits, and the rest is counted.
            var rest = samples.prefix(samples.count / 2)
            while !rest.isEmpty {
                if let block = try? encoder.encode(Array(rest)) {
                    return Rewritten(block: block, lost: samples.count - rest.count)
                }
                rest = rest.prefix(rest.count / 2)
            }
            return Rewritten(block: (try? encoder.encode([])) ?? [], lost: samples.count)
        }
    }
}
