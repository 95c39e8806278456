package import SQLiteFile
package import Telemetry

/// Who numbered a frame: one spool of one agent.
package struct SessionKey: Hashable, Sendable, CustomStringConvertible {
    /// The agent's cluster.
    package var cluster: String
    /// The agent's node.
    package var node: String
    /// The spool's id, 1 to 64 bytes.
    package var session: [UInt8]

    /// The node of what the coordinator itself observed of a cluster; no node of Kubernetes can have this name.
    package static let ownNode = "(coordinator)"

    /// Makes a key.
    package init(cluster: String, node: String, session: [UInt8]) {
        self.cluster = cluster
        self.node = node
        self.session = session
    }

    package var description: String { "\(cluster)/\(node)" }
}

/// What a frame's payload is.
///
/// Raw values are stored.
package enum FrameKind: Int, Sendable, CaseIterable {
    /// A sample block.
    case sampleBlock = 1
    /// Edges.
    case edgeBatch = 2
}

/// A frame as it came from an agent, ready to be stored.
package struct IncomingFrame: Sendable {
    /// Largest payload, in bytes.
    package static let payloadBytesMax = 4 << 20
    /// Most edges of one frame.
    package static let edgesMax = 10_000

    /// Whose frame.
    package let key: SessionKey
    /// Position in the session, from 1.
    package let sequence: UInt64
    /// What the payload is.
    package let kind: FrameKind
    /// Time of the earliest sample or edge.
    package let from: Timestamp
    /// Time of the latest sample or edge.
    package let to: Timestamp
    /// When it came.
    package let receivedAt: Timestamp
    /// The bytes as they came.
    package let payload: [UInt8]
    /// The edges of an edge batch, decoded; empty for other kinds.
    package let edges: [Edge]
    /// Sequence of the frame that starts the chain which this one belongs to, its own for a start; nil when it stands
    /// alone and starts nothing.
    package let chainStart: UInt64?
    /// Whether it came on the lane of what was missed: each lane has its own chains.
    package var isBackfill = false
    /// The agent's clock less the coordinator's, as it is taken off when the frame is judged.
    package var clockOffset: Duration = .zero
    /// The series that a block defines, and none for one that defines nothing.
    ///
    /// Nil when the caller does not know: then queries look into the frame for series, which is slower.
    package var definitions: SeriesList?

    /// Checks and makes a frame; throws `.invalid` for a sequence, a time range or sizes that cannot be stored.
    package init(
        key: SessionKey, sequence: UInt64, kind: FrameKind, from: Timestamp, to: Timestamp, receivedAt: Timestamp,
        payload: [UInt8], edges: [Edge] = [], chainStart: UInt64? = nil
    ) throws(StoreError) {
        guard (1...64).contains(key.session.count), !key.node.isEmpty else {
            throw StoreError(.invalid, "a session of \(key.session.count) bytes, or a node without a name")
        }
        guard sequence > 0, sequence < UInt64(Int64.max) else {
            throw StoreError(.invalid, "\(sequence) is no sequence of a frame")
        }
        guard (1...sequence).contains(chainStart ?? sequence) else {
            throw StoreError(.invalid, "frame \(sequence) builds on a later one")
        }
        guard from <= to else { throw StoreError(.invalid, "a frame that ends before it begins") }
        guard payload.count <= Self.payloadBytesMax, edges.count <= Self.edgesMax else {
            throw StoreError(.invalid, "a frame of \(payload.count) bytes and \(edges.count) edges")
        }
        self.key = key
        self.sequence = sequence
        self.kind = kind
        self.from = from
        self.to = to
        self.receivedAt = receivedAt
        self.payload = payload
        self.edges = edges
        self.chainStart = chainStart
    }
}
