/// `/proc/stat`: CPU time by mode and what the scheduler counts.
struct ProcStat: Hashable, Sendable {
    /// node_exporter's names for the columns; guest time is part of user and nice, and is left out.
    static let modes = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"]
    /// The kernel shows ticks of USER_HZ, which is 100 on every architecture that Linux containers run on.
    static let ticksPerSecond = 100.0

    /// Seconds by mode in the order of `modes`; key `all` is the machine, the others are CPU numbers.
    var cpus: [String: [Double]] = [:]
    /// Boot time in seconds since 1970.
    var bootTime: Double?
    var running: Double?
    var blocked: Double?

    static func parse(_ text: String) -> ProcStat {
        var stat = ProcStat()
        for line in ProcText.lines(text) {
            let words = ProcText.words(line)
            guard words.count >= 2 else { continue }
            switch words[0] {
            case "btime": stat.bootTime = Double(words[1])
            case "procs_running": stat.running = Double(words[1])
            case "procs_blocked": stat.blocked = Double(words[1])
            case let name where name.hasPrefix("cpu"):
                let ticks = words.dropFirst().prefix(modes.count).compactMap { Double($0) }
                guard ticks.count >= 4 else { continue }
                let number = name.dropFirst(3)
                stat.cpus[number.isEmpty ? "all" : String(number)] = ticks.map { $0 / ticksPerSecond }
            default: continue
            }
        }
        return stat
    }
}
