package import Telemetry

/// An endpoint that a pod's annotations name: port and path are the pod's word, the host is its address, always.
package struct AnnotatedEndpoint: Hashable, Sendable {
    /// What answers there.
    package enum Kind: Hashable, Sendable {
        /// A Spring Boot actuator; the URL ends in its base path.
        case actuator
        /// Prometheus text.
        case prometheus
    }

    /// What answers there.
    package var kind: Kind
    /// URL without query, plain `http`: an annotation cannot say whom to trust.
    package var url: String
    /// Namespace, workload, pod and node.
    package var labels: LabelSet

    /// Unique among the endpoints of a kind on one node.
    package var name: String {
        "\(labels[LabelName.namespace] ?? "")/\(labels[LabelName.pod] ?? "")"
    }
}

/// The annotations by which a pod asks to be probed.
struct PodAnnotations: Hashable, Sendable {
    /// `tocsin.dev/actuator`: `PORT` or `PORT/PATH`.
    var actuator: String?
    /// `prometheus.io/scrape`, `/port` and `/path`.
    var scrape: String?
    var port: String?
    var path: String?

    static let actuatorPathDefault = "/actuator"
    static let metricsPathDefault = "/metrics"

    /// What the annotations say of a pod that runs at an address.
    ///
    /// `tocsin.dev/actuator` goes before `prometheus.io/…`, and a scrape path that ends in `/prometheus` under an
    /// actuator's base is that actuator: it has health beside the same meters.
    func endpoint(address: String, labels: LabelSet) -> Result<AnnotatedEndpoint, Problem>? {
        let host = address.contains(":") ? "[\(address)]" : address
        func found(_ kind: AnnotatedEndpoint.Kind, port: UInt16, path: String) -> Result<AnnotatedEndpoint, Problem> {
            .success(AnnotatedEndpoint(kind: kind, url: "http://\(host):\(port)\(path)", labels: labels))
        }
        if let actuator {
            let slash = actuator.firstIndex(of: "/") ?? actuator.endIndex
            guard let port = Self.port(actuator[..<slash]) else {
                return .failure(Problem("tocsin.dev/actuator: '\(Self.quoted(actuator))' does not begin with a port"))
            }
            let path = slash == actuator.endIndex ? Self.actuatorPathDefault : String(actuator[slash...])
            guard let path = Self.path(path) else {
                return .failure(Problem("tocsin.dev/actuator: '\(Self.quoted(actuator))' has no plain path"))
            }
            return found(.actuator, port: port, path: path)
        }
        guard scrape == "true" else { return nil }
        guard let port = port.flatMap({ Self.port($0[...]) }) else {
            return .failure(Problem("prometheus.io/scrape is true, and prometheus.io/port is no port"))
        }
        guard let path = Self.path(path ?? Self.metricsPathDefault) else {
            return .failure(Problem("prometheus.io/path: '\(Self.quoted(path ?? ""))' is no plain path"))
        }
        let suffix = "/actuator/prometheus"
        if path.hasSuffix(suffix) {
            return found(.actuator, port: port, path: String(path.dropLast("/prometheus".count)))
        }
        return found(.prometheus, port: port, path: path)
    }

    /// Why annotations name no endpoint.
    struct Problem: Error, Hashable {
        var message: String

        init(_ message: String) {
            self.message = message
        }
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }), let port = UInt16(text), port > 0 else {
            return nil
        }
        return port
    }

    /// The path without slashes at its end; nil when it is longer than 200 bytes or has anything that could make
    /// another host, query or path of the URL.
    private static func path(_ text: String) -> String? {
        guard text.hasPrefix("/"), text.utf8.count <= 200, !text.contains("/.."), !text.hasPrefix("//") else {
            return nil
        }
        let isPlain = text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                true
            default: false
            }
        }
        guard isPlain else { return nil }
        var path = text
        while path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// Enough of a value to find it, and nothing that could break a log line.
    private static func quoted(_ text: String) -> String {
        String(text.prefix(40).map { $0.isASCII && !$0.isNewline && $0 != "\u{1b}" ? $0 : "?" })
    }
}
