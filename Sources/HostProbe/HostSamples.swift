import Telemetry

/// Turns what was read into samples with node_exporter's names.
struct HostSamples {
    /// Of `/proc/vmstat`.
    static let vmstatWanted: Set<String> = ["oom_kill", "pgmajfault", "pswpin", "pswpout"]

    let labels: LabelSet
    let at: Timestamp
    private(set) var samples: [Sample] = []

    init(labels: LabelSet, at: Timestamp) {
        self.labels = labels
        self.at = at
    }

    private mutating func add(_ metric: String, _ value: Double?, _ extra: LabelSet = LabelSet()) {
        guard let value else { return }
        samples.append(Sample(Series(metric, labels.merging(extra)), at, value))
    }

    mutating func add(_ stat: ProcStat, cpusMax: Int) {
        let single = stat.cpus.filter { $0.key != "all" }
        let shown = single.isEmpty || single.count > cpusMax ? stat.cpus.filter { $0.key == "all" } : single
        for (cpu, seconds) in shown.sorted(by: { $0.key < $1.key }) {
            for (mode, value) in zip(ProcStat.modes, seconds) {
                add("node_cpu_seconds_total", value, ["cpu": cpu, "mode": mode])
            }
        }
        add("node_boot_time_seconds", stat.bootTime)
        add("node_procs_running", stat.running)
        add("node_procs_blocked", stat.blocked)
    }

    mutating func add(memory: [String: Double]) {
        for (name, bytes) in memory.sorted(by: { $0.key < $1.key }) { add("node_memory_\(name)_bytes", bytes) }
    }

    mutating func add(_ pressure: PressureInfo, of resource: String) {
        add("node_pressure_\(resource)_waiting_seconds_total", pressure.waitingSeconds)
        // The kernel's figure for all tasks waiting for the CPU of a whole machine has no meaning and is 0.
        if resource != "cpu" { add("node_pressure_\(resource)_stalled_seconds_total", pressure.stalledSeconds) }
    }

    mutating func add(vmstat: [String: Double]) {
        for (name, value) in vmstat.sorted(by: { $0.key < $1.key }) { add("node_vmstat_\(name)", value) }
    }

    mutating func add(load text: String) {
        for (name, word) in zip(["node_load1", "node_load5", "node_load15"], ProcText.words(text[...])) {
            add(name, Double(word))
        }
    }

    mutating func add(_ clock: KernelClock) {
        add("node_timex_sync_status", clock.isSynchronised ? 1 : 0)
        add("node_timex_offset_seconds", clock.offsetSeconds)
        add("node_timex_maxerror_seconds", clock.maximumErrorSeconds)
        add("node_timex_estimated_error_seconds", clock.estimatedErrorSeconds)
    }

    mutating func add(_ device: NetworkDevice) {
        let label: LabelSet = ["device": device.name]
        add("node_network_receive_bytes_total", device.receivedBytes, label)
        add("node_network_receive_errs_total", device.receiveErrors, label)
        add("node_network_receive_drop_total", device.receiveDrops, label)
        add("node_network_transmit_bytes_total", device.sentBytes, label)
        add("node_network_transmit_errs_total", device.sendErrors, label)
        add("node_network_transmit_drop_total", device.sendDrops, label)
    }

    mutating func add(_ device: DiskDevice) {
        let label: LabelSet = ["device": device.name]
        add("node_disk_reads_completed_total", device.reads, label)
        add("node_disk_read_bytes_total", device.readBytes, label)
        add("node_disk_writes_completed_total", device.writes, label)
        add("node_disk_written_bytes_total", device.writtenBytes, label)
        add("node_disk_io_time_seconds_total", device.busySeconds, label)
    }

    mutating func add(_ usage: FileSystemUsage?, mount: String) {
        let label: LabelSet = ["mountpoint": mount]
        add("node_filesystem_device_error", usage == nil ? 1 : 0, label)
        guard let usage else { return }
        add("node_filesystem_size_bytes", usage.sizeBytes, label)
        add("node_filesystem_free_bytes", usage.freeBytes, label)
        add("node_filesystem_avail_bytes", usage.availableBytes, label)
        add("node_filesystem_readonly", usage.isReadOnly ? 1 : 0, label)
        // A file system that makes inodes as needed has none to run out of.
        guard usage.files > 0 else { return }
        add("node_filesystem_files", usage.files, label)
        add("node_filesystem_files_free", usage.filesFree, label)
    }
}
