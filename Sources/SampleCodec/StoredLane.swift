package import Telemetry

/// What is stored of the blocks of one lane when some of their samples are not to be.
///
/// A block that is kept whole is stored as it came. One that is not is written anew, standing alone, with what is kept
/// of it; so are all blocks after it that build on it, since the store no longer has what they build on. The next chain
/// is stored as it comes again: at most 60 blocks later.
package struct StoredLane: Sendable {
    /// A block as it is to be stored.
    package struct Stored: Sendable, Hashable {
        /// The block.
        package var block: [UInt8]
        /// Sequence of the frame that starts the chain which it belongs to; nil when it stands alone.
        package var chainStart: UInt64?
        /// Whether it was written anew.
        package var isRewritten: Bool
        /// Samples that were to be kept and fit in no block; beyond all that an agent makes.
        package var lost = 0
    }

    private let encoder: SampleBlockEncoder
    /// The chain whose later blocks cannot be stored as they come.
    private var cut: UInt64?

    /// Makes the storing end of a lane.
    package init(limits: SampleBlockLimits = .default) {
        encoder = SampleBlockEncoder(limits: limits)
    }

    /// Whether the next block of a chain has to be written anew although all of it is kept.
    package func isCut(_ chainStart: UInt64?) -> Bool { cut != nil && chainStart == cut }

    /// Takes the next block of the lane.
    ///
    /// - Parameters:
    ///   - block: as it came.
    ///   - chainStart: sequence of the frame that starts its chain; nil when it stands alone.
    ///   - kept: what is to be stored of it; nil when all of it is.
    ///   - all: all samples of the block, asked for when it must be written anew although all of it is kept.
    package mutating func take(
        _ block: [UInt8], chainStart: UInt64?, kept: [Sample]?, all: () -> [Sample]
    ) -> Stored {
        if let chainStart, chainStart != cut { cut = nil }
        guard kept != nil || isCut(chainStart) else {
            return Stored(block: block, chainStart: chainStart, isRewritten: false)
        }
        if let chainStart { cut = chainStart }
        return rewritten(kept ?? all())
    }

    private func rewritten(_ samples: [Sample]) -> Stored {
        do {
            return Stored(block: try encoder.encode(samples), chainStart: nil, isRewritten: true)
        } catch {
            // Halves until what is left fits; one frame has room for one block.
            let batch = encoder.encodeAll(samples)
            let first = batch.blocks.first ?? []
            let count = (try? SampleBlockDecoder.decode(first, limits: encoder.limits).count) ?? 0
            return Stored(block: first, chainStart: nil, isRewritten: true, lost: samples.count - count)
        }
    }
}
