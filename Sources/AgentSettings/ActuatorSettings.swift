import ConfigurationKit
package import TargetSettings
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
    package var credentials: TargetCredentials?
    /// Whom to trust.
    package var trust: TrustSettings
    /// Whether logins are read from `/auditevents` where it is exposed.
    package var readsLogins: Bool

    /// Reads one entry of `actuators`.
    init(_ section: Section, interval: Duration) {
        name = section.required("name", .name(), "Name of the target, unique among the actuators.")
        url = section.required("url", .url, "Base URL of the actuator, such as `http://127.0.0.1:8086/actuator`.")
        labels = TargetIdentity.read(section, name: name)
        timing = ProbeTiming(section, interval: interval)
        trust =
            section.optionalSection(
                "trust", "Whom to trust under https. Default: the system's roots.", TrustSettings.init) ?? .system
        credentials = TargetCredentials.read(section, url: url, trust: trust)
        readsLogins = section.value(
            "logins", .boolean, default: true,
            "Whether logins are read from `/auditevents` where the application exposes it.")
        if !url.isEmpty, !TargetAddress(url: url).isEncrypted, section.has("trust") {
            section.report("trust", "has a meaning only under https; the URL is http", level: .warning)
        }
    }
}
