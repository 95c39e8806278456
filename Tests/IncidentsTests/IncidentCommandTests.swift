import Detection
import Incidents
import Telemetry
import Testing

struct IncidentCommandTests {
    private let id = IncidentID(rawValue: 1)

    private func opened(value: Double = 0.06) -> Desk {
        var desk = Desk()
        desk.see(Example.finding(at: 10, value: value))
        return desk
    }

    @Test func acknowledgeTakesIt() throws {
        var desk = opened()
        let events = try desk.run(.acknowledge(id, by: "anna"), at: 20)
        #expect(events.map(\.kind.name) == ["acknowledged", "state_changed"])
        let incident = try #require(desk.book.incidents[id])
        #expect(incident.state == .investigating)
        #expect(incident.acknowledgedAt == Example.time(20))
        #expect(incident.acknowledgedBy == "anna")
        #expect(incident.acknowledgedSeverity == .p3)
        #expect(
            incident.timeline.suffix(2).map(\.text) == [
                "Acknowledged at P3.", "State changed from detected to investigating.",
            ])
        #expect(incident.timeline.last?.author == "anna")
    }

    @Test func whoHoldsItMayTakeItAgainOthersOnlyWhenItGetsWorse() throws {
        var desk = opened()
        try desk.run(.acknowledge(id, by: "anna"), at: 20)
        #expect(try desk.run(.acknowledge(id, by: "anna"), at: 21).map(\.kind.name) == ["acknowledged"])
        #expect(desk.book.incidents[id]?.timeline.last?.text == "Acknowledged again at P3.")
        #expect(desk.book.incidents[id]?.acknowledgedAt == Example.time(20))
        #expect(desk.book.incidents[id]?.lastAcknowledgedAt == Example.time(21))
        #expect(throws: IncidentError(.alreadyAcknowledged, "")) { try desk.run(.acknowledge(id, by: "bert"), at: 22) }
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 30, value: 0.9))
        #expect(try desk.run(.acknowledge(id, by: "bert"), at: 40).map(\.kind.name) == ["acknowledged"])
        let incident = try #require(desk.book.incidents[id])
        #expect(incident.acknowledgedAt == Example.time(20))
        #expect(incident.acknowledgedBy == "bert")
        #expect(incident.acknowledgedSeverity == .p1)
    }

    @Test func aChangeMeantForAnotherVersionIsRefusedAndSaysWhatHappened() throws {
        var desk = opened()
        let seen = try #require(desk.book.incidents[id]?.version)
        // Points and notes don't change what anybody would decide.
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 12, value: 0.06, worst: 0.09))
        try desk.run(.note(id, by: "bert", text: "looking"), at: 13)
        #expect(desk.book.incidents[id]?.version == seen)
        try desk.run(.acknowledge(id, by: "bert"), expecting: seen, at: 20)
        let error = #expect(throws: IncidentError(.changed, "")) {
            try desk.run(.setState(id, to: .identified, by: "anna"), expecting: seen, at: 21)
        }
        #expect(error?.message.hasSuffix(": bert: State changed from detected to investigating.") == true)
        let now = try #require(desk.book.incidents[id]?.version)
        #expect(now > seen)
        try desk.run(.setState(id, to: .identified, by: "anna"), expecting: now, at: 22)
        #expect(desk.book.incidents[id]?.state == .identified)
    }

    @Test func everyPairOfStatesIsLegalOrRefused() throws {
        for from in IncidentState.allCases where from != .resolved {
            for to in IncidentState.allCases {
                var desk = opened()
                if from != .detected { try desk.run(.setState(id, to: from, by: "anna"), at: 20) }
                #expect(desk.book.incidents[id]?.state == from)
                if from.successors.contains(to) {
                    try desk.run(.setState(id, to: to, by: "anna"), at: 30)
                    #expect(desk.book.incidents[id]?.state == to)
                } else {
                    #expect(throws: IncidentError(.illegalTransition, "")) {
                        try desk.run(.setState(id, to: to, by: "anna"), at: 30)
                    }
                }
            }
        }
    }

    @Test func refusalNamesTheLegalMoves() {
        var desk = opened()
        let error = #expect(throws: IncidentError.self) { try desk.run(.setState(id, to: .detected, by: "a"), at: 1) }
        #expect(
            error?.message
                == "INC-1 cannot go from detected to detected; it can go to investigating, identified, monitoring")
    }

    @Test func movingItIsTakingIt() throws {
        var desk = opened()
        let events = try desk.run(.setState(id, to: .identified, by: "anna"), at: 30)
        #expect(events.map(\.kind.name) == ["acknowledged", "state_changed"])
        #expect(desk.book.incidents[id]?.acknowledgedBy == "anna")
    }

    @Test func resolvedIncidentTakesNotesAlone() throws {
        var desk = opened()
        try desk.run(.resolve(id, by: "anna", cause: "bad deploy"), at: 30)
        try desk.run(.note(id, by: "bert", text: "rolled back\nat 10:00"), at: 40)
        #expect(
            desk.book.incidents[id]?.timeline.suffix(2).map(\.text) == [
                "Resolved after 20s: bad deploy.", "rolled back\nat 10:00",
            ])
        for command: IncidentCommand in [
            .acknowledge(id, by: "a"), .setState(id, to: .monitoring, by: "a"), .resolve(id, by: "a", cause: "b"),
        ] {
            #expect(throws: IncidentError(.alreadyResolved, "")) { try desk.run(command, at: 50) }
        }
    }

    @Test func unknownIncidentIsNotFound() {
        var desk = Desk()
        #expect(throws: IncidentError(.notFound, "")) { try desk.run(.note(id, by: "a", text: "b"), at: 1) }
    }

    @Test(arguments: [
        "", "  \n", String(repeating: "x", count: 4097), "red \u{1b}[31m", "null \u{0}", "c1 \u{9b}2J",
    ])
    func badTextsAreRefused(text: String) {
        var desk = opened()
        #expect(throws: IncidentError(.invalidText, "")) { try desk.run(.note(id, by: "anna", text: text), at: 20) }
        #expect(throws: IncidentError(.invalidText, "")) { try desk.run(.resolve(id, by: "anna", cause: text), at: 20) }
        #expect(throws: IncidentError(.invalidText, "")) { try desk.run(.acknowledge(id, by: text), at: 20) }
        #expect(desk.log.count == 3)
    }

    @Test func notesAreBounded() throws {
        var configuration = IncidentBook.Configuration()
        configuration.notesMax = 2
        var desk = Desk(configuration: configuration)
        desk.see(Example.finding(at: 10))
        for _ in 0..<2 { try desk.run(.note(id, by: "anna", text: "again"), at: 20) }
        #expect(throws: IncidentError(.tooManyNotes, "")) { try desk.run(.note(id, by: "anna", text: "again"), at: 20) }
    }

    @Test(arguments: [
        ("INC-7", 7), ("inc-12", 12), ("3", 3), ("INC-0", nil), ("INC-", nil), ("", nil), ("INC--1", nil), ("７", nil),
    ])
    func ids(text: String, number: Int?) {
        #expect(IncidentID(text)?.rawValue == number)
    }
}
