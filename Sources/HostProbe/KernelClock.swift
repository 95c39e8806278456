import CTimex

/// What the kernel knows of its clock's discipline, as a time daemon (chrony, ntpd, systemd-timesyncd) last told it.
///
/// The clock belongs to no namespace, and asking takes no right: `adjtimex` with no mode set changes nothing, and the
/// seccomp profiles of container runtimes let it through.
struct KernelClock: Hashable, Sendable {
    /// Whether a daemon keeps the clock in step.
    var isSynchronised: Bool
    /// The offset that the daemon told the kernel to work off, in seconds; 0 where it steers by frequency alone.
    var offsetSeconds: Double
    /// Bound of the error: grows by half a millisecond a second while nobody tells.
    var maximumErrorSeconds: Double
    var estimatedErrorSeconds: Double

    /// Asks the kernel; nil when it refuses.
    static func read() -> KernelClock? {
        var raw = timex()
        let state = adjtimex(&raw)
        guard state >= 0 else { return nil }
        return KernelClock(raw, state: state)
    }

    /// Reads an answer; the unit of the offset depends on a flag, that of the errors is always microseconds.
    init(_ raw: timex, state: Int32) {
        let isBroken = state == TIME_ERROR || raw.status & STA_UNSYNC != 0
        isSynchronised = !isBroken
        offsetSeconds = Double(raw.offset) / (raw.status & STA_NANO != 0 ? 1e9 : 1e6)
        maximumErrorSeconds = Double(raw.maxerror) / 1e6
        estimatedErrorSeconds = Double(raw.esterror) / 1e6
    }
}
