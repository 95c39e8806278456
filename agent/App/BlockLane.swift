import SampleCodec

/// The sample blocks of one lane of one stream, from what the spool holds: blocks that stand alone.
///
/// On the disk a block must survive the loss of its neighbours; on the wire it need not, and costs a fraction as one of
/// a chain. Each stream starts its chains anew, so nothing of them has to be kept.
struct BlockLane {
    private var encoder: SampleBlockChainEncoder?

    /// Makes the lane of a new stream.
    ///
    /// - Parameter isChained: whether the coordinator reads chains; else blocks go as they are.
    init(isChained: Bool = false) {
        encoder = isChained ? SampleBlockChainEncoder() : nil
    }

    /// The next block to send.
    ///
    /// One that can't be decoded goes as it is, and the coordinator says what is wrong with it.
    mutating func block(spooled block: [UInt8]) -> [UInt8] {
        guard encoder != nil, let samples = try? SampleBlockDecoder.decode(block) else { return block }
        return (try? encoder?.encode(samples)) ?? block
    }
}
