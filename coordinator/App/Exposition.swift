/// The page `/metrics` in Prometheus' text format 0.0.4, as it grows.
struct Exposition {
    /// How a metric's values are to be read.
    enum Kind: String {
        case counter, gauge
    }

    /// What every name begins with.
    private static let prefix = "tocsin_coordinator_"

    private var lines: [String] = []

    /// The page so far.
    var text: String { lines.joined(separator: "\n") + "\n" }

    /// Adds a metric of one value; `name` is without the prefix.
    mutating func add(_ name: String, _ kind: Kind, _ value: UInt64) {
        add(name, kind, [("", value)])
    }

    /// Adds a metric of several values, each with its labels, as in `{state="live"}`.
    mutating func add(_ name: String, _ kind: Kind, _ values: [(labels: String, value: UInt64)]) {
        lines.append("# TYPE \(Self.prefix)\(name) \(kind.rawValue)")
        lines += values.map { "\(Self.prefix)\(name)\($0.labels) \($0.value)" }
    }
}
