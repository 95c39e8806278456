import IngestWire
import SampleCodec

/// What one agent may send; what is beyond ends its stream alone, or is left out and counted.
package struct IngestLimits: Sendable, Hashable {
    /// Bytes of a message; a larger one ends the stream.
    package var frameBytesMax: Int
    /// Series of one chain of blocks, which is a minute or so, that are judged; more are stored and counted.
    package var seriesPerAgentMax: Int
    /// Different series of an hour; samples of more are neither stored nor judged, and counted.
    package var seriesPerAgentHourMax: Int

    /// Frames that may be unacknowledged; one beyond ends the stream.
    package var ackWindow: Int

    /// Makes limits.
    package init(frameBytesMax: Int, seriesPerAgentMax: Int, seriesPerAgentHourMax: Int, ackWindow: Int) {
        self.frameBytesMax = frameBytesMax
        self.seriesPerAgentMax = seriesPerAgentMax
        self.seriesPerAgentHourMax = seriesPerAgentHourMax
        self.ackWindow = ackWindow
    }
}

/// What one client, and all together, may have open on a listener.
package struct ListenerLimits: Sendable, Hashable {
    /// Connections; a further one is refused.
    package var connectionsMax: Int
    /// Connections that have made no call yet; the oldest goes.
    package var newConnectionsMax: Int
    /// Connections of one client; its oldest goes.
    package var connectionsPerClientMax: Int
    /// Calls of one client; a further one is refused.
    package var callsPerClientMax: Int
    /// From a connection to its first call, and from an agent's stream to its hello.
    package var firstCallWithin: Duration

    /// Makes limits.
    package init(
        connectionsMax: Int, newConnectionsMax: Int, connectionsPerClientMax: Int, callsPerClientMax: Int,
        firstCallWithin: Duration
    ) {
        self.connectionsMax = connectionsMax
        self.newConnectionsMax = newConnectionsMax
        self.connectionsPerClientMax = connectionsPerClientMax
        self.callsPerClientMax = callsPerClientMax
        self.firstCallWithin = firstCallWithin
    }
}

extension IngestService.Configuration {
    /// The limits of a stream: a block is no larger than a message, and none of them is above the codec's own.
    init(_ limits: IngestLimits, helloWithin: Duration, version: String) {
        self.init(version: version)
        self.helloWithin = helloWithin
        ackWindow = limits.ackWindow
        wire.blockBytesMax = min(wire.blockBytesMax, limits.frameBytesMax)
        block.blockBytes = min(block.blockBytes, limits.frameBytesMax)
        // What ended is in a chain's dictionary still: half as much again may be there.
        block.series = max(block.series, limits.seriesPerAgentMax + limits.seriesPerAgentMax / 2)
        seriesPerAgentMax = limits.seriesPerAgentMax
    }
}
