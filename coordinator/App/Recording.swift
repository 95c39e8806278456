import SampleStore
import Telemetry

/// Samples and edges of a stretch of time, whoever sent them: what a replay, a restart and a catch-up feed the core
/// with.
struct Recording: Sendable {
    /// What one look of an agent gave.
    enum Content: Sendable {
        case samples([Sample])
        case look(AgentStretch, AgentStretch.Look)
        case edges([Edge])
    }

    /// Some of an agent's samples or edges, all of one time, by the coordinator's clock.
    struct Item: Sendable {
        var at: Timestamp
        var cluster: String
        var agent: String
        var content: Content
    }

    private(set) var items: [Item] = []
    /// Samples and edges held.
    private(set) var count = 0

    /// Adds samples in their order; `clockOffset` is taken off their times.
    mutating func add(samples: some Sequence<Sample>, cluster: String, agent: String, clockOffset: Duration = .zero) {
        var run: [Sample] = []
        func item() -> Item? {
            run.first.map { Item(at: $0.timestamp, cluster: cluster, agent: agent, content: .samples(run)) }
        }
        for sample in samples {
            let moved = Sample(sample.series, sample.timestamp - clockOffset, sample.value)
            if let first = run.first, first.timestamp != moved.timestamp {
                if let item = item() { items.append(item) }
                run.removeAll(keepingCapacity: true)
            }
            run.append(moved)
            count += 1
        }
        if let item = item() { items.append(item) }
    }

    /// Adds edges in their order; `clockOffset` is taken off their times.
    mutating func add(edges: some Sequence<Edge>, cluster: String, agent: String, clockOffset: Duration = .zero) {
        for var edge in edges {
            edge.at = edge.at - clockOffset
            items.append(Item(at: edge.at, cluster: cluster, agent: agent, content: .edges([edge])))
            count += 1
        }
    }

    /// Makes an empty recording.
    init() {}

    /// Adds stored looks of one agent.
    mutating func add(_ stretch: AgentStretch) {
        let agent = stretch.agent
        items += stretch.looks.map {
            Item(at: $0.at, cluster: agent.cluster, agent: agent.node, content: .look(stretch, $0))
        }
        count += stretch.count
    }

    /// In order of time; of one time in the order in which they were added.
    mutating func sort() {
        items.sort { $0.at < $1.at }
    }

    /// What lies between two times, both included, of a recording in order of time.
    ///
    /// Its count is not known and 0.
    func part(from: Timestamp, to: Timestamp) -> Recording {
        var part = Recording()
        part.items = items.filter { $0.at >= from && $0.at <= to }
        return part
    }
}
