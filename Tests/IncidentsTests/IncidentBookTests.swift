import Detection
import Incidents
import Signals
import Telemetry
import Testing

struct IncidentBookTests {
    private let first = IncidentID(rawValue: 1)
    private let second = IncidentID(rawValue: 2)

    // MARK: - Identity

    @Test func oneIncidentForASubjectAndGroup() throws {
        var desk = Desk()
        let events = desk.see(Example.finding(at: 10, value: 0.06), at: Example.time(12))
        #expect(events.map(\.kind.name) == ["detected", "finding_opened", "severity_changed"])
        #expect(events.map(\.sequence) == [1, 2, 3])
        desk.see(Example.finding(Example.errorBurst, at: 20, onset: 15, value: 0.3, affected: 1))
        let incident = try #require(desk.book.incidents[first])
        #expect(desk.book.incidents.count == 1)
        #expect(incident.findings.map(\.finding.check) == ["error-rate", "error-burst"])
        #expect(incident.openedAt == Example.time(12))
        #expect(incident.detectedAt == Example.time(10))
        #expect(incident.onsetAt == Example.time(0))
        #expect(incident.title == "Trouble of error-rate")
        #expect(incident.state == .detected)
        #expect(incident.severity == .p3)
    }

    @Test func otherGroupSubjectOrClusterIsAnotherIncident() {
        var desk = Desk()
        desk.see(Example.finding(at: 1))
        desk.see(Example.finding(Example.ready, at: 1, value: 0.3))
        desk.see(
            Example.finding(at: 1, subject: Subject(cluster: "alpha", kind: .workload, path: "shop/Deployment/pay")))
        desk.see(Example.finding(at: 1, subject: Subject(cluster: "beta", kind: .workload, path: Example.subject.path)))
        #expect(desk.book.incidents.keys.sorted().map(\.description) == ["INC-1", "INC-2", "INC-3", "INC-4"])
    }

    @Test func repeatedAndUselessFindingsLeaveNoEvent() {
        var desk = Desk()
        #expect(desk.see(Example.finding(at: 1, value: 0.06).closed).isEmpty)
        desk.see(Example.finding(at: 1))
        #expect(desk.see(Example.finding(at: 2)).isEmpty)
        #expect(desk.see(Example.finding(Example.errorRatio, .ongoing, at: 3)).isEmpty)
        #expect(desk.see(Example.finding(Example.errorBurst, .closed, at: 3)).isEmpty)
    }

    @Test func ongoingFindingOfNoIncidentOpensOne() {
        var desk = Desk()
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 9))
        #expect(desk.book.openIncidents.map(\.id) == [first])
    }

    @Test func depthIsRecordedWhenItGrowsByHalf() {
        var desk = Desk()
        desk.see(Example.finding(at: 1, value: 0.06, affected: 1))
        let record = { (desk: inout Desk, worst: Double) in
            desk.see(Example.finding(Example.errorRatio, .ongoing, at: 2, value: 0.06, worst: worst, affected: 1))
                .map(\.kind.name)
        }
        #expect(record(&desk, 0.064) == [])
        #expect(record(&desk, 0.07) == ["finding_updated"])
        #expect(record(&desk, 0.079) == [])
        #expect(record(&desk, 0.09) == ["finding_updated"])
    }

    // MARK: - The end and what follows

    @Test func closesByItselfWhenAllFindingsHaveClosed() throws {
        var desk = Desk()
        desk.see(Example.finding(at: 1))
        desk.see(Example.finding(Example.errorBurst, at: 2, value: 0.3))
        #expect(desk.see(Example.finding(at: 100).closed).map(\.kind.name) == ["finding_closed"])
        let events = desk.see(Example.finding(Example.errorBurst, .closed, at: 250, value: 0.01))
        #expect(events.map(\.kind.name) == ["finding_closed", "resolved"])
        let incident = try #require(desk.book.incidents[first])
        #expect(incident.state == .resolved)
        #expect(incident.resolvedAt == Example.time(250))
        #expect(incident.resolvedBy == .system)
        #expect(incident.cause == nil)
        #expect(incident.timeline.last?.text == "Resolved after 4m09s: all checks have recovered.")
        #expect(desk.book.openIncidents.isEmpty)
    }

    @Test(arguments: [(1800, true), (1801, false)])
    func recurrenceInsideTheWindowIsAnEpisode(after: Int64, isEpisode: Bool) throws {
        var desk = Desk()
        desk.see(Example.finding(at: 1))
        try desk.run(.acknowledge(first, by: "anna"), at: 5)
        desk.see(Example.finding(at: 100).closed)
        let again = 100 + after
        let events = desk.see(Example.finding(at: again, onset: again - 5, value: 0.6))
        if isEpisode {
            #expect(events.map(\.kind.name) == ["reopened", "finding_opened", "severity_changed"])
            let incident = try #require(desk.book.incidents[first])
            #expect(incident.episode == 2)
            #expect(incident.state == .detected)
            #expect(incident.severity == .p1)
            #expect(incident.openedAt == Example.time(again))
            #expect(incident.firstOpenedAt == Example.time(1))
            #expect(incident.onsetAt == Example.time(again - 5))
            #expect(incident.acknowledgedAt == nil && incident.acknowledgedBy == nil && incident.resolvedAt == nil)
            #expect(desk.book.incidents.count == 1)
        } else {
            #expect(events.first?.incident == second)
            #expect(desk.book.incidents[first]?.state == .resolved)
        }
    }

    @Test func recurrenceStartsAtItsOwnLevelWithoutHysteresis() {
        var desk = Desk()
        desk.see(Example.finding(at: 1, value: 0.7))
        desk.see(Example.finding(at: 10).closed)
        desk.see(Example.finding(at: 20, onset: 19, value: 0.06))
        #expect(desk.book.incidents[first]?.severity == .p3)
    }

    // MARK: - Resolved by a person

    @Test func manualResolveHoldsUntilTheFindingClosesAndOpensAnew() throws {
        var desk = Desk()
        desk.see(Example.finding(at: 10))
        try desk.run(.resolve(first, by: "anna", cause: "bad deploy"), at: 60)
        let incident = try #require(desk.book.incidents[first])
        #expect(incident.state == .resolved && incident.cause == "bad deploy")
        #expect(incident.resolvedBy == .person(name: "anna"))
        #expect(desk.see(Example.finding(Example.errorRatio, .ongoing, at: 70, value: 0.9)).isEmpty)
        #expect(desk.see(Example.finding(Example.errorRatio, .opened, at: 75, value: 0.9)).isEmpty)
        #expect(desk.book.openFindings.count == 1)
        #expect(desk.see(Example.finding(at: 80).closed).map(\.kind.name) == ["finding_closed"])
        #expect(desk.book.openFindings.isEmpty)
        #expect(desk.see(Example.finding(at: 90, onset: 85)).first?.kind.name == "reopened")
    }

    @Test func windowRunsFromTheLateRecovery() throws {
        var desk = Desk()
        desk.see(Example.finding(at: 10))
        try desk.run(.resolve(first, by: "anna", cause: "known"), at: 60)
        desk.see(Example.finding(at: 7000).closed)
        #expect(desk.see(Example.finding(at: 7100, onset: 7090)).first?.kind.name == "reopened")
    }

    @Test func breachThatBeganAfterTheEndReopensAlthoughItsCloseWasMissed() throws {
        var desk = Desk()
        desk.see(Example.finding(at: 10))
        try desk.run(.resolve(first, by: "anna", cause: "fixed"), at: 60)
        #expect(desk.see(Example.finding(at: 100, onset: 95)).first?.kind.name == "reopened")
    }

    @Test func missedCloseLongAgoDoesNotKeepTheOldIncidentLive() throws {
        var desk = Desk()
        desk.see(Example.finding(at: 10))
        try desk.run(.resolve(first, by: "anna", cause: "fixed"), at: 60)
        let events = desk.see(Example.finding(at: 9000, onset: 8990))
        #expect(events.map(\.incident) == [first, second, second, second])
        #expect(events.first?.kind.name == "finding_closed")
        #expect(desk.book.openFindings.count == 1)
    }

    // MARK: - Bounds

    @Test func refusesAndSaysSoAtTheLimit() {
        var configuration = IncidentBook.Configuration()
        configuration.openIncidentsMax = 1
        var desk = Desk(configuration: configuration)
        desk.see(Example.finding(at: 1))
        #expect(desk.see(Example.finding(Example.ready, at: 2, value: 0.1)).isEmpty)
        #expect(desk.refused == 1)
        desk.see(Example.finding(at: 3).closed)
        desk.see(Example.finding(Example.ready, .ongoing, at: 4, value: 0.1))
        #expect(desk.book.openIncidents.map(\.checkGroup) == ["availability"])
    }

    @Test func resolvedIncidentsLeaveMemoryOldestFirst() throws {
        var configuration = IncidentBook.Configuration()
        configuration.resolvedIncidentsMax = 2
        configuration.reopenWindow = .zero
        var desk = Desk(configuration: configuration)
        for round in 0..<4 {
            desk.see(Example.finding(at: Int64(round * 100 + 1), onset: Int64(round * 100)))
            desk.see(Example.finding(at: Int64(round * 100 + 50)).closed)
        }
        #expect(desk.book.incidents.keys.sorted().map(\.rawValue) == [3, 4])
        #expect(throws: IncidentError(.archived, "")) { try desk.run(.note(first, by: "a", text: "b"), at: 500) }
        #expect(desk.folded() == desk.book)
    }

    @Test func timelineKeepsItsFirstAndItsLatestEntries() throws {
        var configuration = IncidentBook.Configuration()
        configuration.limits.timelineMax = 4
        var desk = Desk(configuration: configuration)
        desk.see(Example.finding(at: 1))
        for number in 1...5 { try desk.run(.note(first, by: "anna", text: "note \(number)"), at: 2) }
        let incident = try #require(desk.book.incidents[first])
        #expect(incident.timeline.map(\.kind) == ["detected", "noted", "noted", "noted"])
        #expect(incident.timeline.last?.text == "note 5")
        #expect(incident.timelineDropped == 4)
    }

    @Test func checksBeyondTheLimitOfAnIncidentAreRefused() {
        var configuration = IncidentBook.Configuration()
        configuration.limits.findingsMax = 1
        var desk = Desk(configuration: configuration)
        desk.see(Example.finding(at: 1))
        #expect(desk.see(Example.finding(Example.errorBurst, at: 2, value: 0.3)).isEmpty)
        #expect(desk.refused == 1)
    }

    @Test func eventsThatFitNothingAreIgnoredAndCounted() {
        var desk = Desk()
        desk.see(Example.finding(at: 1))
        var book = desk.book
        book.apply(desk.log[0])
        book.apply(IncidentEvent(sequence: 9, incident: second, at: Example.time(1), kind: .noted(by: "a", text: "b")))
        #expect(book.ignoredEvents == 2)
        #expect(book.lastNumber == 2)
        #expect(book.lastSequence == 9)
    }
}

extension Finding {
    /// The same finding, closed.
    var closed: Finding {
        var copy = self
        copy.phase = .closed
        return copy
    }
}
