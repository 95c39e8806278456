import Detection
import Foundation
import Incidents
import Telemetry
import Testing
import TocsinTestKit

/// Random days of a small shop: whatever happens, the log gives back the book, and the book keeps its promises.
struct IncidentFoldTests {
    @Test(arguments: UInt64(1)...8)
    func foldOfTheLogIsTheBook(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var configuration = IncidentBook.Configuration()
        configuration.openIncidentsMax = 5
        configuration.resolvedIncidentsMax = 4
        configuration.limits.timelineMax = 12
        configuration.limits.ledgerMax = 3
        var desk = Desk(configuration: configuration)
        var day = Day()
        for _ in 0..<1500 {
            try day.step(&desk, &random)
            check(desk.book)
        }
        #expect(desk.folded() == desk.book)
        #expect(desk.log.map(\.sequence) == desk.log.indices.map { UInt64($0) + 1 })
        checkLog(desk.log)
        day.recover(&desk)
        #expect(desk.book.openIncidents.isEmpty)
        #expect(desk.book.openFindings.isEmpty)
        #expect(desk.folded() == desk.book)
    }

    @Test func eventsSurviveTheirCoding() throws {
        var random = SeededRandom(seed: 99)
        var desk = Desk()
        var day = Day()
        for _ in 0..<1500 { try day.step(&desk, &random) }
        let copy = try JSONDecoder().decode([IncidentEvent].self, from: JSONEncoder().encode(desk.log))
        #expect(copy == desk.log)
        let kinds = Set(copy.map(\.kind.name))
        #expect(kinds.isSuperset(of: ["joined", "parted", "impact_changed", "reopened", "severity_changed"]))
    }

    private func check(_ book: IncidentBook) {
        let open = book.openIncidents
        #expect(Set(open.map(\.key)).count == open.count)
        #expect(open.count <= book.configuration.openIncidentsMax)
        for incident in open {
            #expect(incident.hasOpenFindings != (incident.heldUntil != nil))
            let worst = incident.findings.filter(\.isOpen).map(\.assessment.severity).max()
            #expect(incident.severity >= worst ?? .p4)
            #expect(incident.severity >= incident.impact.severity ?? .p4)
            if let root = incident.root { #expect(book.incidents[root]?.root == nil) }
            #expect(incident.ledger.last?.severity == incident.severity)
        }
        #expect(book.ignoredEvents == 0)
    }

    /// Each episode is opened once and resolved at most once, in turn; numbers rise by one.
    private func checkLog(_ log: [IncidentEvent]) {
        var isOpen: [IncidentID: Bool] = [:]
        for event in log {
            switch event.kind {
            case .detected:
                #expect(event.incident.rawValue == isOpen.count + 1)
                isOpen[event.incident] = true
            case .reopened:
                #expect(isOpen[event.incident] == false)
                isOpen[event.incident] = true
            case .resolved:
                #expect(isOpen[event.incident] == true)
                isOpen[event.incident] = false
            default:
                #expect(isOpen[event.incident] != nil)
            }
        }
    }
}

/// Detectors and people that act at random, but each detector in a legal order.
private struct Day {
    private struct Detector: Hashable {
        var subject: Subject
        var check: Check
    }

    private static let subjects = (0..<4).map {
        Subject(cluster: "alpha", kind: .workload, path: "shop/Deployment/w\($0)")
    }
    private var onsets: [Detector: Int64] = [:]
    private var now: Int64 = 0

    mutating func step(_ desk: inout Desk, _ random: inout SeededRandom) throws {
        now += Int64.random(in: 1...400, using: &random)
        desk.settle(at: now)
        if Int.random(in: 0..<4, using: &random) == 0 {
            command(&desk, &random)
            return
        }
        let checks = [Example.errorRatio, Example.errorBurst, Example.ready, Example.query]
        let detector = Detector(
            subject: Self.subjects.randomElement(using: &random) ?? Example.subject,
            check: checks.randomElement(using: &random) ?? Example.errorRatio)
        let value = Double(Int.random(in: 0...100, using: &random)) / 100
        guard let onset = onsets[detector] else {
            onsets[detector] = now
            see(&desk, detector, .opened, onset: now, value)
            return
        }
        let phase: Finding.Phase = Int.random(in: 0..<3, using: &random) == 0 ? .closed : .ongoing
        if phase == .closed { onsets[detector] = nil }
        see(&desk, detector, phase, onset: onset, value)
    }

    mutating func recover(_ desk: inout Desk) {
        now += 1
        for (detector, onset) in onsets { see(&desk, detector, .closed, onset: onset, 0) }
        onsets = [:]
        now += 3600
        desk.settle(at: now)
    }

    private func see(_ desk: inout Desk, _ detector: Detector, _ phase: Finding.Phase, onset: Int64, _ value: Double) {
        desk.see(Example.finding(detector.check, phase, at: now, onset: onset, value: value, subject: detector.subject))
    }

    private func command(_ desk: inout Desk, _ random: inout SeededRandom) {
        let id = IncidentID(rawValue: Int.random(in: 1...max(1, desk.book.lastNumber + 1), using: &random))
        let author = ["anna", "bert"].randomElement(using: &random) ?? "anna"
        let state = IncidentState.allCases.randomElement(using: &random) ?? .monitoring
        let commands: [IncidentCommand] = [
            .acknowledge(id, by: author), .note(id, by: author, text: "seen"), .setState(id, to: state, by: author),
            .resolve(id, by: author, cause: "a cause"),
        ]
        guard let command = commands.randomElement(using: &random) else { return }
        do {
            try desk.run(command, at: now)
        } catch {
            #expect(!error.message.isEmpty)
        }
    }
}
