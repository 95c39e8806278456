package import ConfigurationKit
package import Telemetry

/// A Spring Boot actuator.
package struct ActuatorSettings: Hashable, Sendable {
    /// Name, unique among the actuators.
    package var name: String
    /// Base URL with the actuator's path, without a slash at its end.
    package var url: String
    /// Identity of what it speaks for: namespace, workload, pod and node, where the file gives them.
    package var labels: LabelSet
    /// How often and how long.
    package var timing: ProbeTiming
    /// What to log in with; nil: nothing.
    package var credentials: Credentials?
    /// Whom to trust.
    package var trust: TrustSettings

    /// What to log in with.
    package enum Credentials: Hashable, Sendable {
        /// A bearer token.
        case bearer(SecretReference)
        /// `USER:PASSWORD` for basic authentication.
        case basic(SecretReference)
    }

    /// Reads one entry of `actuators`.
    init(_ section: Section, interval: Duration) {
        let name = section.required("name", .name(), "Name of the target, unique among the actuators.")
        url = section.required("url", .url, "Base URL of the actuator, such as `http://127.0.0.1:8086/actuator`.")
        labels = Self.labels(section, name: name)
        self.name = name
        timing = ProbeTiming(section, interval: interval)
        credentials =
            section.optionalSection(
                "credentials", "What to log in with: one of the two. Bearer costs the application less."
            ) {
                Self.credentials($0)
            } ?? nil
        trust =
            section.optionalSection(
                "trust", "Whom to trust under https. Default: the system's roots.", TrustSettings.init) ?? .system
        checkSafety(section)
    }

    private static func labels(_ section: Section, name: String) -> LabelSet {
        let namespace = section.optional("namespace", .name(), "Kubernetes namespace; together with `workload`.")
        let workload = section.optional(
            "workload", .workload,
            "Kind and name of the workload, such as `Deployment/oddsmaker-control`: what incidents are about."
                + " Without it they are about the target.")
        let pod = section.optional(
            "pod", .name(lengthMax: 253), "Name of the pod, one of the workload's replicas. Default: the target's name."
        )
        let node = section.optional("node", .name(lengthMax: 253), "Node that it runs on. Default: the agent's.")
        if (namespace == nil) != (workload == nil), section.has("namespace") != section.has("workload") {
            let missing = namespace == nil ? "namespace" : "workload"
            section.reportMissing(missing, because: "'namespace' and 'workload' go together")
        }
        var labels = LabelSet()
        if let namespace, let workload {
            labels[LabelName.namespace] = namespace
            labels[LabelName.workload] = workload
            labels[LabelName.pod] = pod ?? name
        } else if section.has("pod"), workload == nil, !section.has("workload") {
            section.report("pod", "has a meaning only beside 'namespace' and 'workload'")
        }
        labels[LabelName.node] = node
        return labels
    }

    private static func credentials(_ section: Section) -> Credentials? {
        let bearer = section.secret("bearer", "the bearer token.")
        let basic = section.secret("basic", "`USER:PASSWORD` for basic authentication.")
        let named = ["bearer", "bearerFile", "basic", "basicFile"].filter(section.has)
        if bearer != nil, basic != nil {
            section.report(nil, "a bearer token and basic authentication exclude each other")
        }
        if named.isEmpty { section.report(nil, "name one of 'bearerFile' and 'basicFile'") }
        return bearer.map { .bearer($0) } ?? basic.map { .basic($0) }
    }

    private func checkSafety(_ section: Section) {
        let address = TargetAddress(url: url)
        guard !url.isEmpty else { return }
        if !address.isEncrypted, section.has("trust") {
            section.report("trust", "has a meaning only under https; the URL is http", level: .warning)
        }
        guard credentials != nil else { return }
        if address.isEncrypted, trust == .insecure {
            section.report(
                "credentials", "credentials are not sent to a peer that nobody checks; use 'pinSHA256' or 'caFile'")
        } else if !address.isEncrypted, !address.isLoopback {
            section.report("credentials", "they cross the network in the clear; the URL is http", level: .warning)
        }
    }
}

extension ValueType where Value == String {
    /// Kind and name of a workload.
    static let workload = ValueType(
        name: "KIND/NAME",
        schema: .record([
            "type": .string("string"), "pattern": .string("^[A-Z][A-Za-z]*/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
        ]),
        allowsEnvironment: true, placeholder: "",
        parse: { text, context throws(ValueProblem) in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw ValueProblem("must be KIND/NAME, such as Deployment/oddsmaker-control")
            }
            let known = [
                "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Rollout", "Service",
            ]
            let kind = String(parts[0])
            guard kind.first?.isUppercase == true, kind.allSatisfy({ $0.isASCII && $0.isLetter }) else {
                let meant = NearestName.of(kind, among: known) ?? known.first { $0.lowercased() == kind.lowercased() }
                throw ValueProblem(
                    "the kind is a word such as Deployment", suggestion: meant.map { "\($0)/\(parts[1])" })
            }
            guard let name = try? ValueType.name(lengthMax: 253).parse(String(parts[1]), context) else {
                throw ValueProblem("'\(parts[1])' is no name of a workload")
            }
            return "\(kind)/\(name)"
        },
        format: { $0 })
}
