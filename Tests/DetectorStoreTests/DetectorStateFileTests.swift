import Detection
import DetectorStore
import Foundation
import Signals
import Telemetry
import Testing

@Suite final class DetectorStateFileTests {
    private static let usual = Check(
        name: "usual", group: "latency", family: .latency, title: "Unusual", signal: .latencyMeanSeconds,
        direction: .above, enter: 2, leave: 1, holdFor: .seconds(300), leaveFor: .seconds(600),
        measure: .surprise(Baseline(side: .up, minimumRatio: 2)))
    private static let full = Check(
        name: "full", group: "heap", family: .memory, title: "Full", signal: .heapLiveRatio, direction: .above,
        enter: 0.9, leave: 0.8, holdFor: .seconds(600), leaveFor: .seconds(600))
    private static let origin = Timestamp(millis: 1_795_564_800_000)

    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("state-\(UUID())").path
    private var path: String { folder + "/detectors.state" }

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func bank() -> DetectorBank { DetectorBank(checks: [Self.usual, Self.full]) }

    /// Cells of five minutes; from 600 on requests take five times as long.
    private static func points(_ cells: Range<Int>, subjects: Int = 3) -> [SignalPoint] {
        cells.flatMap { cell in
            (0..<subjects).flatMap { index -> [SignalPoint] in
                let subject = Subject(cluster: "c", kind: .workload, path: "shop/Deployment/service-\(index)")
                let wobble = 1 + 0.1 * Double((cell * 7919 + index * 104_729) % 100) / 100
                return [(SignalName.latencyMeanSeconds, 0.1 * wobble * (cell >= 600 ? 5 : 1)), (.heapLiveRatio, 0.5)]
                    .map { signal, value in
                        SignalPoint(
                            subject: subject, signal: signal, at: origin + .seconds(300 * (cell + 1)),
                            step: .seconds(300), value: value, valueIfMissingHealthy: value, volume: 100,
                            coverage: Coverage(present: 1, expected: 1))
                    }
            }
        }
    }

    private func state(of found: DetectorStateFile.Found) throws -> DetectorBank.Snapshot {
        guard case .state(let state, _) = found else {
            Issue.record("\(found)")
            throw CancellationError()
        }
        return state
    }

    @Test func whatWasLearnedIsThereAfterARestart() throws {
        var live = bank()
        #expect(live.process(Self.points(0..<590)).isEmpty)
        let file = DetectorStateFile(path: path)
        #expect(file.read() == .nothing)
        let written = try file.write(live.learned, takenAt: Self.origin)
        #expect((written.subjects, written.leftOut) == (3, 0))
        #expect(written.bytes == (try Data(contentsOf: URL(fileURLWithPath: path))).count)
        #expect(written.bytes < 3 * 24_000, "\(written.bytes)")
        #expect(file.read() == .state(live.learned, takenAt: Self.origin))

        var restarted = bank()
        #expect(restarted.restore(learned: try state(of: file.read()), at: Self.origin) == (3, 0))
        // What was read back of the last cells has been seen.
        #expect(restarted.process(Self.points(580..<590)).isEmpty)
        let next = Self.points(590..<640)
        let found = live.process(next).map { "\($0.at) \($0.phase) \($0.explanation)" }
        #expect(found.contains { $0.contains("opened") })
        #expect(restarted.process(next).map { "\($0.at) \($0.phase) \($0.explanation)" } == found)
        var anew = bank()
        #expect(anew.process(next).isEmpty, "without what was learned nothing is odd")
    }

    @Test func aFindingThatStoodKeepsItsModel() throws {
        var live = bank()
        let opened = live.process(Self.points(0..<610, subjects: 1)).filter { $0.phase == .opened }
        #expect(opened.count == 1)
        var restarted = bank()
        #expect(restarted.restore(learned: live.learned, at: Self.origin) == (1, 0))
        #expect(restarted.openFindings.isEmpty, "whether one stands is for the incidents to say")
        #expect(restarted.restore(open: live.openFindings, at: Self.origin).isEmpty)
        #expect(restarted.openFindings == live.openFindings)
        #expect(restarted.learned.subjects == 1)
        let next = restarted.process(Self.points(610..<611, subjects: 1))
        #expect(next.map(\.phase) == [.ongoing])
        #expect(next.first?.value ?? 0 >= 2, "it is still odd against what was usual before")
    }

    @Test func theWriterWritesTheSame() async throws {
        var live = bank()
        _ = live.process(Self.points(0..<50))
        let file = DetectorStateFile(path: path)
        let learned = live.learned
        let written = try await DetectorStateWriter(file).write(learned, takenAt: Self.origin)
        #expect(written.subjects == 3)
        #expect(file.read() == .state(learned, takenAt: Self.origin))
    }

    @Test func otherChecksBeginAnewAndAreCounted() throws {
        var live = bank()
        _ = live.process(Self.points(0..<50))
        var changed = Self.usual
        changed.measure = .surprise(Baseline(side: .both, minimumRatio: 2))
        let checks = [changed, Self.full]
        var restarted = DetectorBank(checks: checks)
        #expect(restarted.restore(learned: live.learned, at: Self.origin) == (0, 3))
        var without = DetectorBank(checks: [Self.full])
        #expect(without.restore(learned: live.learned, at: Self.origin) == (0, 3))
    }

    @Test func thereIsALimitAndWhatItLeavesOutIsCounted() throws {
        var live = bank()
        _ = live.process(Self.points(0..<50, subjects: 8))
        let whole = try DetectorStateFile(path: path).write(live.learned, takenAt: Self.origin)
        let file = DetectorStateFile(path: path, bytesMax: whole.bytes / 2)
        guard case .unusable(let reason) = file.read() else { throw CancellationError() }
        #expect(reason.hasSuffix("bytes, more than \(whole.bytes / 2)"))
        let written = try file.write(live.learned, takenAt: Self.origin)
        #expect(written.subjects + written.leftOut == 8)
        #expect((1...4).contains(written.subjects))
        #expect(try state(of: file.read()).subjects == written.subjects)
    }

    @Test func aDamagedFileIsNotUsed() throws {
        var live = bank()
        _ = live.process(Self.points(0..<50))
        let file = DetectorStateFile(path: path)
        _ = try file.write(live.learned, takenAt: Self.origin)
        let good = try Data(contentsOf: URL(fileURLWithPath: path))
        func reason(_ bytes: Data) throws -> String {
            try bytes.write(to: URL(fileURLWithPath: path))
            guard case .unusable(let reason) = file.read() else { return "used" }
            return reason
        }
        for place in stride(from: 120, to: good.count - 60, by: good.count / 9) {
            var bytes = good
            bytes[place] = bytes[place] == 48 ? 49 : 48
            #expect(try reason(bytes).hasSuffix("is damaged: its checksum is another"), "at \(place)")
        }
        for length in [good.count - 1, good.count - 30, good.count / 2, 200] where length != good.count - 1 {
            #expect(try reason(good.prefix(length)).hasSuffix("is cut off"), "of \(length)")
        }
        #expect(try reason(Data()).hasSuffix("is no state of detectors"))
        #expect(try reason(Data("something else\n".utf8)).hasSuffix("is no state of detectors"))
        let newer = String(decoding: good, as: UTF8.self).replacing("\"version\":1}\n", with: "\"version\":9}\n")
        #expect(try reason(Data(newer.utf8)).hasSuffix("has version 9, this Tocsin knows up to 1"))
    }

    @Test func aWriteThatFailsLeavesTheLastState() throws {
        var live = bank()
        _ = live.process(Self.points(0..<50))
        let file = DetectorStateFile(path: path)
        _ = try file.write(live.learned, takenAt: Self.origin)
        // The new file's name is taken by a folder.
        try FileManager.default.createDirectory(atPath: path + ".new", withIntermediateDirectories: false)
        #expect {
            try file.write(live.learned, takenAt: Self.origin + .seconds(60))
        } throws: {
            "\($0)".hasPrefix("cannot write \(self.path).new: ")
        }
        #expect(file.read() == .state(live.learned, takenAt: Self.origin))
    }
}
