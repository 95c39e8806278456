package import ConfigurationKit
package import TargetSettings

/// How pods that ask for it by annotation are probed.
package struct DiscoverySettings: Hashable, Sendable {
    /// Credentials for the pods of some workloads.
    package struct Binding: Hashable, Sendable {
        /// Namespaces, such as `oddsmaker`.
        package var namespace: Glob
        /// Workloads, such as `Deployment/oddsmaker-*`.
        package var workload: Glob
        /// What to log in with.
        package var credentials: TargetCredentials?

        init(_ section: Section) {
            namespace = section.required("namespace", .glob, "Namespaces whose pods are meant.")
            workload = section.value(
                "workload", .glob, default: Glob("*"), "Workloads that are meant, such as `Deployment/oddsmaker-*`.")
            credentials = TargetCredentials.read(section)
        }
    }

    /// Whether annotations are followed.
    package var isEnabled: Bool
    /// Targets found on this node; more are left out and counted.
    package var targetsMax: Int
    /// Credentials; the first that fits a pod is used.
    package var bindings: [Binding]
    /// What is taken of texts that are no actuator's.
    package var metrics: MetricSelection
    /// How often and how long.
    package var timing: ProbeTiming

    /// Reads the section `discovery`.
    init(_ section: Section, interval: Duration) {
        isEnabled = section.value(
            "enabled", .boolean, default: true,
            "Whether pods with the annotation `tocsin.dev/actuator: \"8086/actuator\"`, or `prometheus.io/scrape`, `/port`, `/path`, are probed."
        )
        targetsMax = section.value(
            "targets", .integer(in: 1...1000), default: 110, "Targets found on the node; more are left out and counted."
        )
        bindings = section.sections(
            "credentials", countMax: 100,
            "What to log in with at which pods; the first that fits is used. An annotation can name none.",
            Binding.init)
        metrics = section.section(
            "metrics", "What is taken of a Prometheus text that is no actuator's.", MetricSelection.init)
        timing = ProbeTiming(section, interval: interval)
    }

    /// What to log in with at a pod.
    package func credentials(namespace: String, workload: String) -> TargetCredentials? {
        bindings.first { $0.namespace.matches(namespace) && $0.workload.matches(workload) }?.credentials
    }
}
