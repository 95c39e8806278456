import Telemetry

/// Samples and edges of a stretch of time, whoever sent them: what a replay, a restart and a catch-up feed the core
/// with.
struct Recording: Sendable {
    /// What one look of an agent gave.
    enum Content: Sendable {
        case samples([Sample])
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

    /// A sample with who it is from.
    struct Origin: Sendable {
        var cluster: String
        var agent: String
        var sample: Sample
    }

    /// Makes an empty recording.
    init() {}

    /// Makes a recording, in order of time, of samples in any order.
    init(_ samples: [Origin]) {
        let ordered = samples.indices.sorted { left, right in
            let (one, other) = (samples[left], samples[right])
            let (time, later) = (one.sample.timestamp, other.sample.timestamp)
            guard time == later else { return time < later }
            return (one.cluster, one.agent, left) < (other.cluster, other.agent, right)
        }
        var start = 0
        while start < ordered.count {
            let first = samples[ordered[start]]
            var end = start + 1
            while end < ordered.count, samples[ordered[end]].isOfSameLook(as: first) { end += 1 }
            add(
                samples: ordered[start..<end].map { samples[$0].sample }, cluster: first.cluster, agent: first.agent)
            start = end
        }
    }

    /// In order of time; of one time in the order in which they were added.
    mutating func sort() {
        items.sort { $0.at < $1.at }
    }
}

extension Recording.Origin {
    fileprivate func isOfSameLook(as other: Recording.Origin) -> Bool {
        sample.timestamp == other.sample.timestamp && agent == other.agent && cluster == other.cluster
    }
}
