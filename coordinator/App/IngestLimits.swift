import IngestWire
import SampleCodec

/// What one agent may send; what is beyond ends its stream alone, or is left out and counted.
package struct IngestLimits: Sendable, Hashable {
    /// Bytes of a message; a larger one ends the stream.
    package var frameBytesMax: Int
    /// Series of one chain of blocks, which is a minute or so, that are judged; more are stored and counted.
    package var seriesPerAgentMax: Int

    /// Makes limits.
    package init(frameBytesMax: Int, seriesPerAgentMax: Int) {
        self.frameBytesMax = frameBytesMax
        self.seriesPerAgentMax = seriesPerAgentMax
    }
}

extension IngestService.Configuration {
    /// The limits of a stream: a block is no larger than a message, and none of them is above the codec's own.
    init(_ limits: IngestLimits, version: String) {
        self.init(version: version)
        wire.blockBytesMax = min(wire.blockBytesMax, limits.frameBytesMax)
        block.blockBytes = min(block.blockBytes, limits.frameBytesMax)
        // What ended is in a chain's dictionary still: half as much again may be there.
        block.series = max(block.series, limits.seriesPerAgentMax + limits.seriesPerAgentMax / 2)
        seriesPerAgentMax = limits.seriesPerAgentMax
    }
}
