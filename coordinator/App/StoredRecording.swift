import SampleStore
import Signals
import Telemetry

/// Reads stretches of what signals are derived from out of the sample store.
struct StoredRecording: Sendable {
    private let samples: SampleStore
    private let clocks: [AgentName: ClockHistory]
    private var reader: StretchReader

    /// Edges of a minute at most.
    private static let edgesMax = 100_000
    /// Agents' streams are counted from 1: none has this numbering.
    private static let numbering = SampleBatch.Numbering(stream: .max, frame: 0)

    /// Frames and chunks that could not be read so far, and were left out.
    var damaged: Int { reader.damaged }

    /// Finds out what there is.
    init(samples: SampleStore) async throws {
        self.samples = samples
        clocks = try await samples.clockHistories()
        reader = try await samples.stretches(
            of: Set(SignalEngine.metrics), clocks: clocks, numbering: Self.numbering, isWanted: SignalEngine.reads)
    }

    /// All of it between two times, both included, in order of time by the coordinator's clock.
    ///
    /// From agents' times is taken off what was taken off when they came. Frames that cannot be read are left out.
    mutating func read(from: Timestamp, to: Timestamp) async throws -> Recording {
        var recording = Recording()
        for stretch in try await reader.read(from: from, to: to) { recording.add(stretch) }
        try await readEdges(from: from, to: to, into: &recording)
        recording.sort()
        return recording
    }

    private func readEdges(from: Timestamp, to: Timestamp, into recording: inout Recording) async throws {
        let limit = Self.edgesMax * max(1, Int((to - from) / .seconds(60)))
        for stored in try await samples.edges(from: from, to: to, limit: limit)
        where clocks[AgentName(cluster: stored.cluster, node: stored.node)] == nil {
            recording.add(edges: [stored.edge], cluster: stored.cluster, agent: stored.node)
        }
        for (agent, clock) in clocks {
            for stretch in clock.stretches(from: from, to: to) {
                let edges = try await samples.edges(from: stretch.lowerBound, to: stretch.upperBound, limit: limit)
                for stored in edges where stored.cluster == agent.cluster && stored.node == agent.node {
                    var edge = stored.edge
                    edge.at = edge.at - clock.offset(at: edge.at)
                    guard edge.at >= from, edge.at <= to else { continue }
                    recording.add(edges: [edge], cluster: stored.cluster, agent: stored.node)
                }
            }
        }
    }
}
