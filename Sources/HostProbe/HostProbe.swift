import BlockingWork
package import Probing
package import Telemetry

/// Looks at the node that the agent runs on: CPU, memory, pressure, load, OOM kills, network, disks and file systems.
///
/// Series have node_exporter's names and the label `node`. Everything but the network is the node's also inside a
/// restricted pod,
/// since those parts of `/proc` are not namespaced; the network is the node's with `hostNetwork`, or with the node's
/// `/proc` mounted.
package actor HostProbe: Probe {
    /// What is looked at and how.
    package struct Configuration: Sendable, Hashable {
        /// The node's name: label `node` of all series; the target's id is `host/NODE`.
        package var node: String
        /// Mount points whose room is told, as the node sees them.
        package var mounts: [String]
        /// Where the node's `/proc` is; elsewhere than `/proc`, the network is read of its process 1.
        package var procDirectory: String
        /// Where the node's root is mounted; put before each of `mounts`.
        package var rootDirectory: String
        /// Time between two looks.
        package var interval: Duration
        /// Time for one look.
        package var deadline: Duration
        /// More CPUs than these are told as one, `cpu="all"`, default 64.
        package var cpusMax: Int
        /// Network devices and disks, each, beyond this are left out, first by name stay, default 32.
        package var devicesMax: Int

        /// Makes a configuration.
        package init(
            node: String, mounts: [String] = ["/"], procDirectory: String = "/proc", rootDirectory: String = "/",
            interval: Duration = .seconds(10), deadline: Duration = .seconds(5), cpusMax: Int = 64, devicesMax: Int = 32
        ) {
            self.node = node
            self.mounts = mounts
            self.procDirectory = procDirectory
            self.rootDirectory = rootDirectory
            self.interval = interval
            self.deadline = min(deadline, interval)
            self.cpusMax = cpusMax
            self.devicesMax = devicesMax
        }
    }

    /// The target that is looked at, with the labels of its series.
    package nonisolated let target: Target
    private let configuration: Configuration
    private let labels: LabelSet
    private let executor = QueueExecutor(label: "tocsin.host")

    /// A queue of its own, since its reads may wait for a disk.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Makes a probe.
    package init(_ configuration: Configuration) {
        self.configuration = configuration
        labels = [LabelName.node: configuration.node]
        target = Target(
            kind: .host, name: configuration.node, address: configuration.procDirectory,
            labels: [LabelName.node: configuration.node], interval: configuration.interval,
            deadline: configuration.deadline)
    }

    /// Looks once within the deadline; a failure is a report too.
    package func run(startedAt: Timestamp) async -> ProbeReport {
        guard let stat = file("stat"), let memory = file("meminfo") else {
            return ProbeReport(
                outcome: .failure(.internal, "\(configuration.procDirectory) has no readable stat and meminfo."))
        }
        var samples = HostSamples(labels: labels, at: startedAt)
        samples.add(ProcStat.parse(stat), cpusMax: configuration.cpusMax)
        samples.add(memory: MemoryInfo.parse(memory))
        for resource in ["cpu", "memory", "io"] {
            if let text = file("pressure/\(resource)") { samples.add(PressureInfo.parse(text), of: resource) }
        }
        if let text = file("vmstat") { samples.add(vmstat: ProcText.pairs(text, wanted: HostSamples.vmstatWanted)) }
        if let text = file("loadavg") { samples.add(load: text) }
        if let clock = KernelClock.read() { samples.add(clock) }
        let network = configuration.procDirectory == "/proc" ? "net/dev" : "1/net/dev"
        if let text = file(network) {
            for device in NetworkDevice.parse(text).prefix(configuration.devicesMax) { samples.add(device) }
        }
        if let text = file("diskstats") {
            for device in DiskDevice.parse(text).prefix(configuration.devicesMax) { samples.add(device) }
        }
        for mount in configuration.mounts { samples.add(FileSystemUsage.read(path(of: mount)), mount: mount) }
        return ProbeReport(outcome: .success, samples: samples.samples)
    }

    private func file(_ name: String) -> String? {
        ProcFile.read("\(configuration.procDirectory)/\(name)")
    }

    private func path(of mount: String) -> String {
        guard configuration.rootDirectory != "/" else { return mount }
        return configuration.rootDirectory + (mount == "/" ? "" : mount)
    }
}
