import BenchSupport
import Foundation
import LogProbe
import LogText
import Probing
import Telemetry

/// `log-bench [--megabytes N]`: how fast the log probe reads, and what it holds at most.
///
/// CPU is user and system time of the process, which reads on one thread.
@main
enum Main {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let place = arguments.firstIndex(of: "--megabytes")
        let megabytes = place.flatMap { $0 + 1 < arguments.count ? Int(arguments[$0 + 1]) : nil } ?? 256
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("log-bench-\(getpid())")
        defer { try? FileManager.default.removeItem(at: folder) }
        let before = Memory.resident()
        let held = try await hostileWorkloads(folder.appendingPathComponent("hostile"))
        var figures = ["log_hostile_resident_mb": Double(held - before) / 1e6]
        figures["log_tail_mb_per_s"] = try await tail(folder.appendingPathComponent("service"), megabytes, .service)
        figures["log_tail_logins_mb_per_s"] = try await tail(
            folder.appendingPathComponent("logins"), megabytes, .service, logins: LoginPattern.Format.allCases)
        figures["log_tail_login_flood_mb_per_s"] = try await tail(
            folder.appendingPathComponent("attack"), min(megabytes, 2), .logins, logins: [.sshd])
        figures["log_tail_flood_mb_per_s"] = try await tail(folder.appendingPathComponent("flood"), megabytes, .errors)
        figures["log_redact_lines_per_s"] = redact()
        figures["log_mine_lines_per_s"] = mine()
        var results = try BenchResults()
        try results.add(figures)
    }

    /// What the lines of a log are.
    private enum Kind {
        /// A service: one entry in twenty is a warning, one in a hundred an error with a trace of eight lines.
        case service
        /// Errors alone.
        case errors
        /// Failed logins alone.
        case logins
    }

    // MARK: Reading

    /// Megabytes a second of CPU time, the best of three looks.
    ///
    /// - Parameter logins: what is looked for in every line beside.
    private static func tail(
        _ folder: URL, _ megabytes: Int, _ kind: Kind, logins: [LoginPattern.Format] = []
    ) async throws -> Double {
        var best = 0.0
        for run in 0..<3 {
            let directory = folder.appendingPathComponent("\(run)")
            let log = try log(directory, pod: "orders-0")
            var configuration = LogProbe.Configuration(
                node: "n", directory: directory.path, interval: .seconds(300), deadline: .seconds(300),
                bytesPerLookMax: .max / 2)
            configuration.patterns.warmUp = .zero
            let rules = logins.map { LogProbe.LoginRule(patterns: $0.patterns) { _, _ in true } }
            let probe = LogProbe(configuration, logins: rules)
            let start = Timestamp(millis: 1_795_562_990_000)
            _ = await probe.run(startedAt: start)
            let block = lines(kind, bytes: 1 << 20, seed: UInt64(run))
            let handle = try FileHandle(forWritingTo: log)
            for _ in 0..<megabytes { try handle.write(contentsOf: block) }
            try handle.close()
            let before = Memory.processSeconds()
            let report = await probe.run(startedAt: start + .seconds(10))
            let seconds = Memory.processSeconds() - before
            let bytes = report.samples.first { $0.series.metric == "log_read_bytes_total" }?.value ?? 0
            precondition(bytes == Double(block.count * megabytes), "not all was read")
            best = max(best, bytes / 1e6 / seconds)
            try FileManager.default.removeItem(at: directory)
        }
        return best
    }

    /// Resident bytes after two hundred workloads have logged nothing but errors of ever new words and lengths.
    private static func hostileWorkloads(_ directory: URL) async throws -> Int {
        var configuration = LogProbe.Configuration(
            node: "n", directory: directory.path, interval: .seconds(300), deadline: .seconds(300))
        configuration.patterns.warmUp = .zero
        let probe = LogProbe(configuration)
        let logs = try (0..<200).map { try log(directory, pod: "workload-\($0)-0") }
        let start = Timestamp(millis: 1_795_562_990_000)
        _ = await probe.run(startedAt: start)
        for look in 1...5 {
            for (number, log) in logs.enumerated() {
                let handle = try FileHandle(forWritingTo: log)
                try handle.seekToEnd()
                try handle.write(contentsOf: lines(.errors, bytes: 256 << 10, seed: UInt64(look * 1000 + number)))
                try handle.close()
            }
            _ = await probe.run(startedAt: start + .seconds(look * 10))
        }
        let held = Memory.resident()
        _ = await probe.run(startedAt: start + .seconds(60))
        return held
    }

    private static func log(_ directory: URL, pod: String) throws -> URL {
        let folder = directory.appendingPathComponent("shop_\(pod)_uid/app")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let log = folder.appendingPathComponent("0.log")
        guard FileManager.default.createFile(atPath: log.path, contents: nil) else {
            throw CocoaError(.fileWriteUnknown)
        }
        return log
    }

    // MARK: Lines

    private static func lines(_ kind: Kind, bytes: Int, seed: UInt64) -> Data {
        var random = Noise(state: seed &+ 1)
        var text = ""
        while text.utf8.count < bytes {
            switch kind {
            case .service:
                let roll = random.next(100)
                text += entry(roll == 0 ? "ERROR" : roll < 6 ? "WARN" : "INFO", message(&random))
                if roll == 0 {
                    text += entry(nil, "java.lang.IllegalStateException: order \(random.next(100_000)) is closed")
                    for depth in 0..<7 {
                        text += entry(nil, "\tat com.example.shop.Orders.step\(depth)(Orders.java:\(random.next(900)))")
                    }
                }
            case .errors:
                let words = (0..<(3 + random.next(15))).map { _ in random.word() }
                text += entry("ERROR", words.joined(separator: " "))
            case .logins:
                text += entry(
                    nil,
                    "Failed password for invalid user \(random.word()) from 192.0.2.\(random.next(255)) port 22 ssh2")
            }
        }
        return Data(text.utf8)
    }

    private static func entry(_ level: String?, _ text: String) -> String {
        let head =
            level.map { "2026-11-24T22:38:00.123Z  \($0) 1 --- [nio-8080-exec-7] c.e.shop.OrderController : " } ?? ""
        return "2026-11-24T22:38:00.357313362Z stdout F \(head)\(text)\n"
    }

    private static func message(_ random: inout Noise) -> String {
        let messages = [
            "Payment of order \(random.next(100_000)) took \(random.next(900)) ms",
            "Login of user-\(random.next(5000))@example.com from 10.1.\(random.next(255)).\(random.next(255))",
            "Cannot reach bank at https://bank.example/api?token=\(random.word()) after \(random.next(5)) tries",
        ]
        return messages[random.next(messages.count)]
    }

    // MARK: Parts

    private static func redact() -> Double {
        let lines = sample().map { Array($0.utf8) }
        let redactor = Redactor()
        return perSecond(lines) { _ = redactor.redact($0) }
    }

    private static func mine() -> Double {
        let lines = sample()
        var miner = PatternMiner(startedAt: Timestamp(millis: 0))
        return perSecond(lines) { _ = miner.take($0, at: Timestamp(millis: 1)) }
    }

    private static func sample() -> [String] {
        var random = Noise(state: 7)
        return (0..<1000).map { _ in
            "2026-11-24T22:38:00.123Z  ERROR 1 --- [nio-8080-exec-7] c.e.shop.OrderController : \(message(&random))"
        }
    }

    private static func perSecond<Line>(_ lines: [Line], _ take: (Line) -> Void) -> Double {
        let before = Memory.processSeconds()
        for _ in 0..<100 { for line in lines { take(line) } }
        return Double(100 * lines.count) / (Memory.processSeconds() - before)
    }
}

/// Numbers that a seed repeats, by Knuth's linear congruential generator of MMIX.
private struct Noise {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }

    mutating func word() -> String {
        String((0..<(4 + next(12))).map { _ in Character(Unicode.Scalar(UInt8(97 + next(26)))) })
    }
}

/// What the process used.
private enum Memory {
    static func processSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Resident bytes of anonymous memory, what the allocator holds for later included.
    static func resident() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }
}
