package import Telemetry

/// Times as Kubernetes prints them: RFC 3339, whole or fractional seconds, usually `Z`.
package enum KubernetesTime {
    /// A container that never ran has the epoch as its start; nothing in a cluster is older than this.
    private static let earliestMillis: Int64 = 86_400_000

    /// The moment in `text`; nil when it is no time, and nil for the epoch, by which the kubelet means "never".
    package static func parse(_ text: String?) -> Timestamp? {
        guard let text, let moment = Timestamp(rfc3339: text), moment.millis > earliestMillis else { return nil }
        return moment
    }
}
