package import ConfigurationKit
import TargetSettings
import Telemetry

/// What to log in with at a target over HTTP.
package enum TargetCredentials: Hashable, Sendable {
    /// A bearer token.
    case bearer(SecretReference)
    /// `USER:PASSWORD` for basic authentication.
    case basic(SecretReference)

    /// Reads `bearer` and `basic` of a section, of which one must be there.
    static func read(_ section: Section) -> TargetCredentials? {
        let bearer = section.secret("bearer", "the bearer token.")
        let basic = section.secret("basic", "`USER:PASSWORD` for basic authentication.")
        let named = ["bearer", "bearerFile", "basic", "basicFile"].filter(section.has)
        if bearer != nil, basic != nil {
            section.report(nil, "a bearer token and basic authentication exclude each other")
        }
        if named.isEmpty { section.report(nil, "name one of 'bearerFile' and 'basicFile'") }
        return bearer.map { .bearer($0) } ?? basic.map { .basic($0) }
    }

    /// Reads the section `credentials` of a target at a URL; they go to nobody who is not checked.
    static func read(_ section: Section, url: String, trust: TrustSettings) -> TargetCredentials? {
        let credentials: TargetCredentials? =
            section.optionalSection(
                "credentials", "What to log in with: one of the two. Bearer costs the application less."
            ) { read($0) } ?? nil
        let address = TargetAddress(url: url)
        guard !url.isEmpty, credentials != nil else { return credentials }
        if address.isEncrypted, trust == .insecure {
            section.report(
                "credentials", "credentials are not sent to a peer that nobody checks; use 'pinSHA256' or 'caFile'")
        } else if !address.isEncrypted, !address.isLoopback {
            section.report("credentials", "they cross the network in the clear; the URL is http", level: .warning)
        }
        return credentials
    }
}

/// Namespace, workload, pod and node of a target, where the file gives them.
enum TargetIdentity {
    /// Reads the identity keys of a target of that name.
    static func read(_ section: Section, name: String) -> LabelSet {
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
}
