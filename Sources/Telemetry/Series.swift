/// One name and value of a series' identity.
package struct Label: Hashable, Comparable, Sendable, Codable {
    /// The label's name, such as `namespace`.
    package var name: String
    /// The label's value; never empty in a `LabelSet`, where an absent label and an empty one mean the same.
    package var value: String

    /// Makes a label.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    package static func < (lhs: Label, rhs: Label) -> Bool {
        lhs.name == rhs.name ? lhs.value < rhs.value : lhs.name < rhs.name
    }
}

/// Labels sorted by name, each name once, none with an empty value.
package struct LabelSet: Hashable, Sendable {
    /// The labels, ascending by name.
    package private(set) var labels: [Label]

    /// Makes an empty set.
    package init() {
        labels = []
    }

    /// Makes a set; of two labels of one name the later wins, and an empty value removes the label.
    package init(_ labels: [Label]) {
        self.labels = []
        self.labels.reserveCapacity(labels.count)
        for label in labels { self[label.name] = label.value }
    }

    /// Makes a set of labels that are in order, each name once and none empty.
    init(ascending labels: [Label]) {
        self.labels = labels
    }

    /// The value of a label, or nil when there is none.
    ///
    /// Setting nil or "" removes it.
    package subscript(name: String) -> String? {
        get {
            let index = position(of: name)
            return index < labels.count && labels[index].name == name ? labels[index].value : nil
        }
        set {
            let index = position(of: name)
            let present = index < labels.count && labels[index].name == name
            switch (newValue, present) {
            case (let value?, true) where !value.isEmpty: labels[index].value = value
            case (let value?, false) where !value.isEmpty: labels.insert(Label(name, value), at: index)
            case (_, true): labels.remove(at: index)
            case (_, false): break
            }
        }
    }

    /// This set with `other`'s labels put in, `other` winning.
    package func merging(_ other: LabelSet) -> LabelSet {
        var merged = self
        for label in other.labels { merged[label.name] = label.value }
        return merged
    }

    /// This set without the named labels.
    package func removing(_ names: Set<String>) -> LabelSet {
        var copy = LabelSet()
        copy.labels = labels.filter { !names.contains($0.name) }
        return copy
    }

    private func position(of name: String) -> Int {
        var low = 0
        var high = labels.count
        while low < high {
            let middle = (low + high) / 2
            if labels[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension LabelSet: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { Label($0.0, $0.1) })
    }
}

extension LabelSet: Codable {
    package init(from decoder: any Decoder) throws {
        let dictionary = try decoder.singleValueContainer().decode([String: String].self)
        self.init(dictionary.map { Label($0.key, $0.value) })
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Dictionary(uniqueKeysWithValues: labels.map { ($0.name, $0.value) }))
    }
}

extension LabelSet: CustomStringConvertible {
    /// `{name="value",…}` with backslash, quote and newline escaped, as in Prometheus' text format.
    package var description: String {
        let parts = labels.map { label in
            let escaped = label.value.map { character -> String in
                switch character {
                case "\\": "\\\\"
                case "\"": "\\\""
                case "\n": "\\n"
                default: String(character)
                }
            }.joined()
            return "\(label.name)=\"\(escaped)\""
        }
        return "{" + parts.joined(separator: ",") + "}"
    }
}

/// A metric name with labels: what a stream of values is known by.
package struct Series: Hashable, Sendable, CustomStringConvertible {
    /// The metric's name in Prometheus' form, base units and suffix included, such as `jvm_memory_used_bytes`.
    package var metric: String
    /// The labels.
    package var labels: LabelSet

    /// Makes a series' identity.
    package init(_ metric: String, _ labels: LabelSet = LabelSet()) {
        self.metric = metric
        self.labels = labels
    }

    /// Hashes metric, names and values, one after another: what a `SeriesList` does without making the series.
    package func hash(into hasher: inout Hasher) {
        forEachString { hasher.combine($0) }
    }

    /// Calls a function with the metric, then with name and value of each label.
    package func forEachString(_ body: (String) -> Void) {
        body(metric)
        for label in labels.labels {
            body(label.name)
            body(label.value)
        }
    }

    package var description: String {
        labels.labels.isEmpty ? metric : metric + labels.description
    }
}

/// The label names that carry identity from the probe to the subject of an incident.
package enum LabelName {
    /// Kubernetes namespace.
    package static let namespace = "namespace"
    /// Kind and name of the workload inside its namespace: `Deployment/oddsmaker-control`.
    package static let workload = "workload"
    /// Pod name.
    package static let pod = "pod"
    /// Container name.
    package static let container = "container"
    /// Node name.
    package static let node = "node"
    /// Name of a PostgreSQL target as configured.
    package static let instance = "instance"
    /// Id of the target that a series came from; on every `probe_*` series.
    package static let target = "target"
    /// A pod's own address; on `kube_pod_info` alone.
    package static let podAddress = "pod_ip"
    /// What tells the pods of one rollout from those of another; on `kube_pod_info` alone.
    package static let revision = "revision"
}
