import ConfigurationKit
package import TargetSettings

/// The node that the agent runs on.
package struct HostSettings: Hashable, Sendable {
    /// Mount points whose room is told, as the node sees them.
    package var mounts: [String]
    /// Where the node's `/proc` is.
    package var procDirectory: String
    /// Where the node's root is mounted.
    package var rootDirectory: String
    /// How often and how long.
    package var timing: ProbeTiming

    /// Reads the section `host`; nil when it is switched off.
    static func read(_ section: Section, interval: Duration) -> HostSettings? {
        let isEnabled = section.value("enabled", .boolean, default: true, "Whether the node is looked at.")
        let mounts = section.values(
            "mounts", .path, countMax: 32, "Mount points whose room is told, as the node sees them. Default: `/`.")
        let settings = HostSettings(
            mounts: mounts.isEmpty && !section.has("mounts") ? ["/"] : mounts,
            procDirectory: section.value(
                "procDirectory", .path, default: "/proc",
                "Where the node's `/proc` is. Mounted elsewhere, the network is that of its process 1; at `/proc`, it is that of the"
                    + " agent's own namespace, the node's with `hostNetwork`."),
            rootDirectory: section.value(
                "rootDirectory", .path, default: "/",
                "Where the node's root is mounted, put before each of `mounts`; `/` is what the agent itself sees."),
            timing: ProbeTiming(section, interval: interval))
        return isEnabled ? settings : nil
    }
}
