import KubernetesAPI
import LogText
package import Telemetry

/// An event of the Kubernetes API in either of its shapes.
///
/// A list of `v1` mixes both: kubelet and controllers count in `count` and date in seconds; the scheduler has an
/// `eventTime`, null timestamps and repeats in `series`. `events.k8s.io/v1` has other names for the same fields.
package struct ClusterEvent: Decodable, Hashable, Sendable {
    /// What an event is about.
    package struct Object: Decodable, Hashable, Sendable {
        /// Such as `Pod`.
        package var kind: String
        /// Its name.
        package var name: String
        /// Its namespace; empty for a node.
        package var namespace: String
        /// The container inside a pod, nil when it is about the pod.
        package var container: String?

        private enum CodingKeys: String, CodingKey { case kind, name, namespace, fieldPath }

        /// Reads the API server's JSON; throws `DecodingError` when what identifies it is missing.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            kind = try container.decode(String.self, forKey: .kind)
            name = try container.decode(String.self, forKey: .name)
            namespace = container.lenient(String.self, .namespace) ?? ""
            self.container = container.lenient(String.self, .fieldPath).flatMap(Self.container)
        }

        /// `web` of `spec.containers{web}`; init and ephemeral containers have other words before the brace.
        private static func container(of path: String) -> String? {
            guard path.hasPrefix("spec."), path.hasSuffix("}"), let open = path.firstIndex(of: "{") else { return nil }
            let name = path[path.index(after: open)...].dropLast()
            return name.isEmpty ? nil : String(name)
        }
    }

    /// The event object's own id; repeats keep it.
    package var uid: String
    /// The event object's namespace.
    package var namespace: String
    /// What it is about.
    package var object: Object
    /// `Normal` or `Warning`.
    package var type: String
    /// A word, such as `FailedScheduling`.
    package var reason: String
    /// A sentence, as it came.
    package var message: String
    /// Who says so, such as `kubelet`.
    package var component: String
    /// How often it happened so far, at least 1.
    package var total: Int
    /// When it last happened, as far as it says.
    package var at: Timestamp?

    private enum CodingKeys: String, CodingKey {
        case metadata, type, reason, message, note, source, deprecatedSource, count, deprecatedCount, series, eventTime
        case involvedObject, regarding, reportingComponent, reportingController
        case firstTimestamp, deprecatedFirstTimestamp, lastTimestamp, deprecatedLastTimestamp
    }

    private struct Metadata: Decodable {
        var uid: String
        var namespace: String
        var creationTimestamp: String?
    }

    private struct Source: Decodable {
        var component: String?
    }

    private struct Series: Decodable {
        var count: Int?
        var lastObservedTime: String?
    }

    /// Reads the API server's JSON; throws `DecodingError` when what identifies it is missing.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let metadata = try container.decode(Metadata.self, forKey: .metadata)
        func text(_ key: CodingKeys, _ other: CodingKeys) -> String? {
            let found = container.lenient(String.self, key) ?? container.lenient(String.self, other)
            return found.flatMap { $0.isEmpty ? nil : $0 }
        }
        func time(_ text: String?) -> Timestamp? { KubernetesTime.parse(text) }
        (uid, namespace) = (metadata.uid, metadata.namespace)
        object =
            try container.decodeIfPresent(Object.self, forKey: .involvedObject)
            ?? container.decode(Object.self, forKey: .regarding)
        type = container.lenient(String.self, .type) ?? ""
        reason = container.lenient(String.self, .reason) ?? ""
        message = text(.message, .note) ?? ""
        let source = container.lenient(Source.self, .source) ?? container.lenient(Source.self, .deprecatedSource)
        component = text(.reportingComponent, .reportingController) ?? source?.component ?? ""
        let series = container.lenient(Series.self, .series)
        let counts = [
            series?.count, container.lenient(Int.self, .count), container.lenient(Int.self, .deprecatedCount),
        ]
        total = max(1, counts.compactMap { $0 }.max() ?? 1)
        // Not the latest of them: an event that expired while it repeated is created anew with its old times.
        at =
            time(series?.lastObservedTime) ?? time(text(.lastTimestamp, .deprecatedLastTimestamp))
            ?? time(container.lenient(String.self, .eventTime))
            ?? time(text(.firstTimestamp, .deprecatedFirstTimestamp)) ?? time(metadata.creationTimestamp)
    }

    /// Messages quote command lines, URLs and answers of probes, which may hold secrets as log lines do.
    private static let redactor = Redactor()

    /// Kinds that are workloads by themselves.
    private static let workloadKinds: Set<String> = ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"]

    /// The edge that says it happened `count` times more.
    ///
    /// - Parameter deployment: name of the Deployment that a ReplicaSet or a pod of this name belongs to, if one does.
    func edge(count: Int, now: Timestamp, deployment: (_ kind: String, _ name: String) -> String?) -> Edge {
        var labels: LabelSet = [:]
        if !object.namespace.isEmpty { labels[LabelName.namespace] = object.namespace }
        switch object.kind {
        case "Node": labels[LabelName.node] = object.name
        case "Pod":
            labels[LabelName.pod] = object.name
            labels[LabelName.container] = object.container
            labels[LabelName.workload] = deployment(object.kind, object.name).map { "Deployment/" + $0 }
        case "ReplicaSet":
            labels[LabelName.workload] =
                deployment(object.kind, object.name).map { "Deployment/" + $0 } ?? "ReplicaSet/" + object.name
        case let kind where Self.workloadKinds.contains(kind):
            labels[LabelName.workload] = "\(kind)/\(object.name)"
        default: break
        }
        let attributes: LabelSet = [
            "uid": uid, "total": String(total), "type": type, "reason": reason, "component": component,
            "object": "\(object.kind)/\(object.name)",
            "message": Self.redactor.redact(ClippedText.line(message, bytesMax: Redactor.windowBytesMax).utf8).text,
        ]
        return Edge(
            .kubernetesEvent, at: min(at ?? now, now), labels: labels, attributes: attributes, count: max(1, count))
    }
}

/// Text of others, made fit to be kept.
enum ClippedText {
    /// One line of at most `bytesMax` bytes: control characters become spaces, what is too long ends in `…`.
    static func line(_ text: String, bytesMax: Int) -> String {
        var line = ""
        var count = 0
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            count += UTF8.width(scalar)
            guard count <= bytesMax else { return line + "…" }
            line.unicodeScalars.append(isControl ? " " : scalar)
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}
