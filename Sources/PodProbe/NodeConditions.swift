import KubernetesAPI
import Telemetry

/// What the API server's object of a node says of its state.
struct NodeConditions: Decodable {
    /// Conditions that have a series; other tools add theirs, with meanings of their own.
    static let known: Set<String> = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"]

    private var statuses: [String: String] = [:]

    private struct Condition: Decodable {
        var type: String
        var status: String
    }

    private enum Key: CodingKey { case status, conditions }

    /// Throws for what is no object; conditions that cannot be read are passed over.
    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        let status = try object.nestedContainer(keyedBy: Key.self, forKey: .status)
        for condition in status.lenientArray(Condition.self, .conditions) {
            statuses[condition.type] = condition.status
        }
    }

    /// The samples at a time.
    ///
    /// A node whose kubelet is silent has all conditions Unknown: it is not ready then, and of the rest nobody knows.
    func samples(node: String, at time: Timestamp) -> [Sample] {
        let labels: LabelSet = [LabelName.node: node]
        var samples: [Sample] = []
        if let ready = statuses["Ready"] {
            samples.append(Sample(Series("kube_node_ready", labels), time, ready == "True" ? 1 : 0))
        }
        for name in Self.known.sorted() {
            guard let status = statuses[name], status == "True" || status == "False" else { continue }
            let series = Series("kube_node_condition", labels.merging(["condition": name]))
            samples.append(Sample(series, time, status == "True" ? 1 : 0))
        }
        return samples
    }
}

/// When the node's object is asked for, and what it said last.
struct NodeLook {
    /// Time between two looks: a node becomes NotReady about 50 s after its kubelet stopped.
    static let interval: Duration = .seconds(30)

    private var conditions: NodeConditions?
    private var askedAt: Timestamp?
    private var readAt: Timestamp?
    private(set) var remarks: [String] = []

    /// Whether a look is due; counts it as made.
    mutating func takeTurn(at now: Timestamp) -> Bool {
        // A tenth of the time is the wobble of the probe's own schedule.
        if let askedAt, now >= askedAt, now - askedAt < Self.interval * 9 / 10 { return false }
        askedAt = now
        return true
    }

    mutating func found(_ conditions: NodeConditions, at now: Timestamp) {
        self.conditions = conditions
        readAt = now
        remarks = []
    }

    mutating func failed(_ reason: String) {
        remarks = ["The node's conditions could not be read: \(reason)"]
    }

    /// What is known; nothing once it is older than three looks.
    func samples(node: String, at now: Timestamp) -> [Sample] {
        guard let conditions, let readAt, now - readAt <= Self.interval * 3 else { return [] }
        return conditions.samples(node: node, at: now)
    }
}
