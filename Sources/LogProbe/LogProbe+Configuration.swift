package import LogText
package import Telemetry

extension LogProbe {
    /// Files of a host that are no container's.
    package struct Files: Sendable, Hashable {
        /// What they hold.
        package enum Form: Sendable, Hashable {
            /// Text, an entry a line.
            case plain
            /// journald's export format.
            case journal
        }

        /// Name, unique among the files; series carry it as `log` where no workload is named.
        package var name: String
        /// Path of a file or a named pipe, or a pattern of paths as the shell has them.
        package var path: String
        /// What they hold.
        package var form: Form
        /// Namespace and workload that they speak for, if any.
        package var labels: LabelSet

        /// Makes files.
        package init(name: String, path: String, form: Form = .plain, labels: LabelSet = LabelSet()) {
            self.name = name
            self.path = path
            self.form = form
            self.labels = labels
        }

        var owner: LogOwner { LogOwner(labels: labels.labels.isEmpty ? ["log": name] : labels) }
    }

    /// What is read and how.
    package struct Configuration: Sendable, Hashable {
        /// The node's name; the target's id is `logs/NODE`.
        package var node: String
        /// Folder of pods' logs; nil: none.
        package var directory: String?
        /// Folders beside it into which links of containers' logs may lead.
        package var linkRoots = ["/var/log/pods", "/var/lib/docker/containers"]
        /// Other files.
        package var files: [Files] = []
        /// Time between two looks.
        package var interval: Duration
        /// Time for one look.
        package var deadline: Duration
        /// Files followed at once, default 1000; more are left out and counted.
        package var filesMax: Int
        /// Bytes read of one file in one look, default 8 MiB; the rest waits for the next.
        package var bytesPerLookMax: Int
        /// Workloads counted apart, default 500; the others are counted as dropped.
        package var workloadsMax: Int
        /// When a pattern is new.
        package var patterns = PatternMiner.Limits()
        /// Errors of one log in one look at which its last lines are told.
        package var burstErrors = 20
        /// For how long after such lines no more are told of the same workload.
        package var burstPause: Duration = .seconds(600)
        /// Edges of one look; more are left out and counted.
        package var edgesMax = 20

        /// Makes a configuration.
        package init(
            node: String, directory: String? = "/var/log/pods", interval: Duration = .seconds(10),
            deadline: Duration = .seconds(5), filesMax: Int = 1000, bytesPerLookMax: Int = 8 << 20,
            workloadsMax: Int = 500
        ) {
            self.node = node
            self.directory = directory
            self.interval = interval
            self.deadline = min(deadline, interval)
            self.filesMax = filesMax
            self.bytesPerLookMax = bytesPerLookMax
            self.workloadsMax = workloadsMax
        }
    }
}
