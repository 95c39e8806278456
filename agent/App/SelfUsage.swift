import FoundationEssentials
import Glibc

/// What this process uses, from `/proc/self`.
struct SelfUsage: Hashable, Sendable {
    /// Resident bytes.
    var residentBytes: UInt64
    /// Of these, anonymous: what the process itself allocated.
    var anonymousBytes: UInt64
    /// User and system CPU seconds since the start.
    var cpuSeconds: Double

    /// Reads the usage now; zeros where `/proc` cannot be read.
    static func read() -> SelfUsage {
        SelfUsage(
            residentBytes: statusBytes("VmRSS:"), anonymousBytes: statusBytes("RssAnon:"), cpuSeconds: cpuSeconds())
    }

    private static func statusBytes(_ field: String) -> UInt64 {
        guard let data = FileManager.default.contents(atPath: "/proc/self/status") else { return 0 }
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where line.hasPrefix(field) {
            let number = line.dropFirst(field.count).split(whereSeparator: { $0 == " " || $0 == "\t" }).first
            return (number.flatMap { UInt64($0) } ?? 0) * 1024
        }
        return 0
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        guard getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        let microseconds = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + microseconds / 1e6
    }
}
