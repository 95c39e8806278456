package import Telemetry

/// What `/health` says.
///
/// The body is trusted before the status code: 503 with a body is an answer.
package struct ActuatorHealth: Sendable, Hashable {
    /// The aggregate status word, such as UP.
    package var status: String
    /// Status words of the components shown, nested ones as `db/primary`.
    ///
    /// Empty when details are hidden.
    package var components: [String: String]

    /// Bound of `components`; those later in the alphabet are left out.
    package static let componentsMax = 64

    /// Reads a body of Boot 2, 3 or 4; nil when it is not one, Boot's own error page included.
    package init?(_ body: JSONValue) {
        guard let status = body["status"]?.string else { return nil }
        self.status = status
        components = [:]
        collect(body, prefix: "", depth: 0)
    }

    /// Whether a status word counts as up: all but DOWN and OUT_OF_SERVICE, since words that Boot's order does not know
    /// leave the aggregate UP as well.
    package static func isUp(_ status: String) -> Bool {
        let word = status.uppercased()
        return word != "DOWN" && word != "OUT_OF_SERVICE"
    }

    /// The aggregate as a value.
    package var isUp: Bool { Self.isUp(status) }

    /// The samples, at one time.
    package func samples(labels: LabelSet, at time: Timestamp) -> [Sample] {
        var samples = [Sample(Series("actuator_health_up", labels), time, isUp ? 1 : 0)]
        for (name, status) in components.sorted(by: { $0.key < $1.key }) {
            let series = Series("actuator_health_component_up", labels.merging(LabelSet([Label("component", name)])))
            samples.append(Sample(series, time, Self.isUp(status) ? 1 : 0))
        }
        return samples
    }

    /// Children sit under `components` since Boot 2.2; before, under `details`, where a leaf's own facts are too.
    private mutating func collect(_ body: JSONValue, prefix: String, depth: Int) {
        guard depth < 4, let children = body["components"]?.object ?? body["details"]?.object else { return }
        for (name, child) in children.sorted(by: { $0.key < $1.key }) {
            guard components.count < Self.componentsMax, let status = child["status"]?.string else { continue }
            components[prefix + name] = status
            collect(child, prefix: prefix + name + "/", depth: depth + 1)
        }
    }
}

/// When health is asked again after it did not answer or said DOWN while the application's pool was exhausted.
///
/// Pure.
///
/// A health call takes a connection from the very pool that has none, waits for the pool's timeout and adds to its
/// timeout count: asking makes it worse. So health (not the meters) is asked again only after 1, then 2, then 4, then
/// every 6th run, or at once when the meters show that the pool has recovered.
package struct HealthBackoff: Sendable, Hashable {
    /// Runs left out at most between two calls.
    package static let runsMax = 6

    private var skip = 0
    private var left = 0

    /// Makes one that asks at once.
    package init() {}

    /// Whether calls are being left out.
    package var isBackingOff: Bool { skip > 0 }

    /// Whether this run asks; counts the run.
    package mutating func takeTurn() -> Bool {
        guard left > 0 else { return true }
        left -= 1
        return false
    }

    /// A call hung, or found the pool exhausted.
    package mutating func grow() {
        skip = skip == 0 ? 1 : min(skip * 2, Self.runsMax)
        left = skip
    }

    /// A call was answered, or the pool recovered.
    package mutating func reset() {
        skip = 0
        left = 0
    }
}
