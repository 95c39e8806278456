import ConfigurationKit
package import TargetSettings

/// The node's container logs.
package struct LogSettings: Hashable, Sendable {
    /// Folder of pods' logs.
    package var directory: String
    /// How often and how long.
    package var timing: ProbeTiming

    /// Reads the section `logs`.
    init(_ section: Section, interval: Duration) {
        directory = section.value(
            "directory", .path, default: "/var/log/pods",
            "Folder of pods' logs in the form of the container runtime interface, as the agent sees it.")
        timing = ProbeTiming(section, interval: interval)
    }
}
