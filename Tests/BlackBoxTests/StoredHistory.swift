import Foundation
import Testing
import TocsinTestKit

/// What a coordinator and an agent left on their disks, to be damaged again and again: each test gets a copy.
///
/// The coordinator was killed first and the agent went on for a while, so that its spool holds what was never sent.
struct StoredHistory {
    static let node = "node-a"
    private static let serviceCount = 2
    private static let noteCount = 30

    typealias Point = (time: Double, value: Double)

    /// What a start made of the files.
    struct Fleet {
        let coordinator: ChildProcess
        let agent: ChildProcess
        let startedAt: Double
    }

    /// What the incident log tells.
    struct Log: Hashable {
        /// States by incident.
        var states: [String: String]
        /// Notes that can be read.
        var notes: Int
    }

    let lab: TocsinLab
    let services: [NumberedService]
    /// When the agent probed for the last time before its stop.
    let endedAt: Double
    /// Whether the agent was told to stop.
    let endsInOrder: Bool
    /// What the incident log told before.
    let log: Log
    private let agentPage: MetricsPage

    /// Lives through the history: some ten seconds.
    ///
    /// - Parameter killsAgent: whether the agent is killed, not told to stop.
    init(killsAgent: Bool = false) async throws {
        services = try (0..<Self.serviceCount).map { _ in try NumberedService() }
        let lab = try await TocsinLab(nodes: [Self.node], cluster: "test")
        self.lab = lab
        try lab.writeCoordinator(step: "1s", thresholds: TocsinLab.packageRoot + "/deploy/local/demo-thresholds.yaml")
        let targets = services.enumerated().map { "  - {name: service-\($0), url: \"\($1.url)\"}" }
        agentPage = MetricsPage(
            port: try lab.writeAgent(
                node: Self.node, interval: "1s", probes: "actuators:\n" + targets.joined(separator: "\n")))
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: Self.node)
        log = try await Self.incidents(lab)
        let last = try await lab.eventually(within: .seconds(60)) {
            try await Self.points(0, lab).last { $0.value >= 8 }
        }
        try #require(last != nil)
        // Killed, so that there are logs beside the database files.
        coordinator.kill()
        _ = try await coordinator.waitForExit()
        try await Task.sleep(for: .seconds(4))
        if killsAgent {
            agent.kill()
            _ = try await agent.waitForExit()
        } else {
            try await agent.terminate()
        }
        endsInOrder = !killsAgent
        endedAt = Date().timeIntervalSince1970
        try FileManager.default.createDirectory(atPath: lab.path("kept"), withIntermediateDirectories: true)
        for folder in Self.folders {
            try FileManager.default.moveItem(atPath: lab.path(folder), toPath: lab.path("kept/" + folder))
        }
    }

    private static let folders = ["coordinator", "agent-" + node]

    /// Opens an incident, writes on it at length, and has it resolved.
    private static func incidents(_ lab: TocsinLab) async throws -> Log {
        let file = lab.path("thresholds.yaml")
        let sound = try String(contentsOfFile: file, encoding: .utf8)
        try sound.replacing("above: 5%", with: "above: five").write(toFile: file, atomically: true, encoding: .utf8)
        let opened = try #require(
            try await lab.eventually(within: .seconds(30)) {
                try await lab.incidents().first { $0.checkGroup == "configuration" }
            })
        for number in 1...noteCount {
            let text = "note \(number): " + String(repeating: "what was seen by hand, ", count: 40)
            let output = try await lab.tocsin(["incident", "note", opened.id, text])
            try #require(output.exit == .code(0), "\(output.text)")
        }
        try sound.write(toFile: file, atomically: true, encoding: .utf8)
        let resolved = try await lab.eventually(within: .seconds(30)) {
            try await lab.incidents().allSatisfy { $0.state == "resolved" } ? true : nil
        }
        try #require(resolved == true)
        return try await log(lab)
    }

    private static func log(_ lab: TocsinLab) async throws -> Log {
        var log = Log(states: [:], notes: 0)
        for incident in try await lab.incidents() {
            log.states[incident.id] = incident.state
            log.notes += try await lab.tocsin(["incident", "show", incident.id]).lines.count {
                $0.contains(": what was seen")
            }
        }
        return log
    }

    private static func points(_ service: Int, _ lab: TocsinLab) async throws -> [Point] {
        try await SampleQuery(lab: lab).points(selector(service), since: "2h")
    }

    private static func selector(_ service: Int) -> String {
        "logback_events_total{target=\"actuator/service-\(service)\"}"
    }

    /// Puts both data directories back as they were left.
    ///
    /// - Parameter mergesLogs: whether the database files themselves hold all, as they do in time.
    func restore(mergesLogs: Bool = false) async throws {
        for folder in Self.folders {
            if FileManager.default.fileExists(atPath: lab.path(folder)) {
                try FileManager.default.removeItem(atPath: lab.path(folder))
            }
            try FileManager.default.copyItem(atPath: lab.path("kept/" + folder), toPath: lab.path(folder))
        }
        guard mergesLogs else { return }
        let script = """
            import glob, sqlite3
            for path in glob.glob("coordinator/*.sqlite"):
                file = sqlite3.connect(path)
                assert file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
                file.close()
            """
        try await ChildProcess.run("/usr/bin/env", ["-C", lab.folder.path, "python3", "-c", script])
    }

    /// Starts both programs on what is there.
    func start() async throws -> Fleet {
        let startedAt = Date().timeIntervalSince1970
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: Self.node)
        return Fleet(coordinator: coordinator, agent: agent, startedAt: startedAt)
    }

    func stop(_ fleet: Fleet) async throws {
        fleet.agent.kill()
        _ = try await fleet.agent.waitForExit()
        let exit = try await fleet.coordinator.terminate()
        #expect(exit == .code(0), "the coordinator stops in order")
    }

    func stopServices() { for service in services { service.stop() } }

    /// The incident log as it is told now.
    func log() async throws -> Log { try await Self.log(lab) }

    /// The coordinator's and the agent's figures.
    func figures() async throws -> (coordinator: [String: Double], agent: [String: Double]) {
        (try await MetricsPage(port: lab.httpPort).figures(), try await agentPage.figures())
    }

    /// Waits until new samples and all that the spool held are stored, then holds every number against what was said.
    ///
    /// Each is there once with its value, or its time lies in a gap that queries tell of. Returns how many are missing.
    func judge(_ fleet: Fleet) async throws -> Int {
        var missing = 0
        for service in services.indices {
            let arrived = try await lab.eventually(within: .seconds(45)) { () -> [Point]? in
                guard let points = try? await Self.points(service, lab) else { return nil }
                return (points.last?.time ?? 0) > fleet.startedAt + 2 ? points : nil
            }
            guard let points = arrived else {
                let end = fleet.coordinator.exit.map { "\($0)" } ?? "runs"
                Issue.record(
                    """
                    service \(service): no new sample is stored; coordinator: \(end)
                    \(fleet.coordinator.lines.suffix(30).joined(separator: "\n"))
                    """)
                return missing
            }
            let given = services[service].times
            let numbers = points.map { Int($0.value) }
            #expect(Set(numbers).count == numbers.count, "service \(service): a number is stored twice")
            for point in points {
                let number = Int(point.value)
                try #require((1...given.count).contains(number), "service \(service) never said \(point.value)")
                #expect(abs(given[number - 1] - point.time) < 3, "service \(service): \(number) has another's time")
            }
            let lost = Set(1...(numbers.max() ?? 1)).subtracting(numbers).filter { number in
                // What others asked for meanwhile is theirs, and a probe that is under way when its agent is told to
                // stop has an answer that nobody takes.
                !((endsInOrder ? endedAt - 1.5 : endedAt)...fleet.startedAt).contains(given[number - 1])
            }
            missing += lost.count
            let gaps = try await SampleQuery(lab: lab).gaps(Self.selector(service), since: "2h")
            for number in lost.sorted() {
                let time = given[number - 1]
                #expect(
                    gaps.contains { ($0.lowerBound - 0.5...$0.upperBound + 0.5).contains(time) },
                    "service \(service): \(number), said at \(time), is nowhere and in none of \(gaps)")
            }
        }
        return missing
    }
}

/// What is done to a file.
enum Damage: Hashable, Sendable, CustomStringConvertible {
    /// So many bits are flipped, at places that the seed chooses.
    case flip(bits: Int, seed: UInt64)
    /// One bit at this share of the file.
    case flipAt(Double)
    /// It ends after this share of its bytes.
    case cut(Double)
    /// It has no byte any more.
    case empty

    var description: String {
        switch self {
        case .flip(let bits, let seed): "\(bits) bits flipped, seed \(seed)"
        case .flipAt(let share): "a bit flipped at \(share)"
        case .cut(let share): "cut to \(share)"
        case .empty: "emptied"
        }
    }

    func apply(to path: String) throws {
        let file = try FileHandle(forUpdating: URL(filePath: path))
        defer { try? file.close() }
        let size = try file.seekToEnd()
        switch self {
        case .flip(let bits, let seed):
            var random = SeededRandom(seed: seed)
            for _ in 0..<bits {
                try flip(
                    1 << UInt8.random(in: 0...7, using: &random), at: UInt64.random(in: 0..<size, using: &random),
                    of: file)
            }
        case .flipAt(let share): try flip(0x10, at: UInt64(Double(size) * share), of: file)
        case .cut(let share): try file.truncate(atOffset: UInt64(Double(size) * share))
        case .empty: try file.truncate(atOffset: 0)
        }
    }

    private func flip(_ mask: UInt8, at offset: UInt64, of file: FileHandle) throws {
        try file.seek(toOffset: offset)
        guard let byte = try file.read(upToCount: 1)?.first else { return }
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data([byte ^ mask]))
    }
}
