import Foundation
import Glibc
import SampleCodec
import Telemetry
import Testing

@testable import SampleStore

/// A child process appends and compacts at once, writes down what was acknowledged, and is killed in the middle of it.
struct CompactionKillTests {
    @Test(arguments: [5, 60, 250, 700])
    func eachAcknowledgedSampleIsThereOnce(afterMillis: Int) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, afterMillis = afterMillis as Int] in
            let store = try SampleStore(directory: path)
            let killer = Thread {
                while access(path + "/begun", F_OK) != 0 { usleep(100) }
                usleep(UInt32(afterMillis) * 1000)
                kill(getpid(), SIGKILL)
            }
            killer.start()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await Self.compact(store) }
                group.addTask { try await Self.append(store, path) }
                try await group.waitForAll()
            }
        }
        let lines = try String(contentsOfFile: path + "/acknowledged", encoding: .utf8).split(separator: "\n")
        let last = try #require(lines.last.flatMap { Int64($0) })
        let store = try SampleStore(directory: path)
        #expect(store.quarantinedPath == nil)
        for _ in 0..<2 {
            let (answer, report) = try await store.answer("m1", from: 0, to: 100_000_000)
            #expect(report.damaged == 0)
            let points = try #require(answer["alpha/m1{node=\"a\"}"])
            #expect(points.count >= Int(last) && points.count % 20 == 0)
            let wanted = (1...max(1, points.count)).map { number -> [Double] in
                [Double(number * 10), Double(number)]
            }
            #expect(points == wanted)
            _ = try await store.compact(now: Fleet.time(10_000_000), policy: .immediate)
        }
    }

    private static func compact(_ store: SampleStore) async throws {
        while true {
            let step = try await store.compactOnce(now: Fleet.time(10_000_000), policy: .immediate)
            if step.isIdle { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    private static func append(_ store: SampleStore, _ path: String) async throws {
        let acknowledged = open(path + "/acknowledged", O_WRONLY | O_CREAT, 0o600)
        var sequence: UInt64 = 1
        while true {
            let rounds = (0..<20).map { round(Int64(sequence) + $0) }
            _ = try await store.append(
                try Fleet.chain(Fleet.key("a"), from: sequence, rounds: rounds, blocksPerChain: 10))
            sequence += 20
            // What the kernel has been given outlives the process.
            let line = Array("\(sequence - 1)\n".utf8)
            try #require(write(acknowledged, line, line.count) == line.count)
            if sequence == 41 { _ = FileManager.default.createFile(atPath: path + "/begun", contents: nil) }
        }
    }

    private static func round(_ number: Int64) -> [Sample] {
        (0..<40).map { Fleet.sample("m\($0)", number * 10, Double(number), ["node": "a"]) }
    }
}
