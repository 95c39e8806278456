import Detection
import Incidents
import Telemetry
import Testing

struct SilenceTests {
    private let id = IncidentID(rawValue: 1)
    private let silence = SilenceID(rawValue: 1)

    private func matcher(_ change: (inout SilenceMatcher) -> Void) -> SilenceMatcher {
        var matcher = SilenceMatcher()
        change(&matcher)
        return matcher
    }

    private func request(
        _ matcher: SilenceMatcher, from: Int64 = 20, until: Int64 = 100, because reason: String = "moving the shop"
    ) -> Silence.Request {
        Silence.Request(
            .maintenance, matcher, by: "anna", because: reason, startsAt: Example.time(from),
            endsAt: Example.time(until))
    }

    private func opened() -> Desk {
        var desk = Desk()
        desk.see(Example.finding(at: 10))
        return desk
    }

    @Test func hidesPagesInItsTimeAndNothingElse() throws {
        var desk = opened()
        let events = try desk.run(.add(request(matcher { $0.subject = "shop/*" })), at: 12)
        #expect(events.map(\.kind.name) == ["silence_added"])
        let incident = try #require(desk.book.incidents[id])
        #expect(incident.isOpen && desk.book.openIncidents.map(\.id) == [id])
        let silenced = [19, 20, 99, 100].map { desk.book.isSilenced(incident, at: Example.time($0)) }
        #expect(silenced == [false, true, true, false])
        #expect(desk.book.silence(of: incident, at: Example.time(30))?.id == silence)
        #expect(desk.book.lastNumber == 1 && desk.book.ignoredEvents == 0)
        #expect(desk.folded() == desk.book)
    }

    @Test func everyPatternMustMatch() throws {
        let desk = opened()
        let incident = try #require(desk.book.incidents[id])
        let cases: [(SilenceMatcher, Bool)] = [
            (matcher { $0.cluster = "alpha" }, true), (matcher { $0.cluster = "beta" }, false),
            (matcher { $0.subject = "*/cart" }, true), (matcher { $0.subject = "cart" }, false),
            (matcher { $0.checkGroup = "error-*" }, true), (matcher { $0.checkGroup = "heap" }, false),
            (matcher { $0.family = .errorRate }, true), (matcher { $0.family = .database }, false),
            (matcher { $0.severityAtMost = .p3 }, true), (matcher { $0.severityAtMost = .p4 }, false),
            (matcher { ($0.subject, $0.checkGroup) = ("shop/*", "heap") }, false),
        ]
        for (matcher, expected) in cases { #expect(matcher.matches(incident) == expected, "\(matcher)") }
    }

    @Test func aRiseAboveItsLevelIsNoLongerSilenced() throws {
        var desk = opened()
        try desk.run(.add(request(matcher { $0.severityAtMost = .p3 })), at: 12)
        desk.see(Example.finding(Example.errorRatio, .ongoing, at: 30, value: 0.9))
        let incident = try #require(desk.book.incidents[id])
        #expect(incident.severity == .p1)
        #expect(!desk.book.isSilenced(incident, at: Example.time(31)))
    }

    @Test func mayBeEndedBeforeItsTimeOnce() throws {
        var desk = opened()
        try desk.run(.add(request(matcher { $0.subject = "*" })), at: 12)
        try desk.run(.expire(silence, by: "bert"), at: 50)
        let incident = try #require(desk.book.incidents[id])
        #expect(desk.book.isSilenced(incident, at: Example.time(49)))
        #expect(!desk.book.isSilenced(incident, at: Example.time(50)))
        #expect(desk.book.silences[silence]?.expiredBy == "bert")
        #expect(throws: IncidentError(.illegalTransition, "")) { try desk.run(.expire(silence, by: "bert"), at: 51) }
        #expect(throws: IncidentError(.notFound, "")) {
            try desk.run(.expire(SilenceID(rawValue: 9), by: "bert"), at: 51)
        }
        #expect(desk.folded() == desk.book)
    }

    @Test func badRequestsAreRefused() {
        var desk = opened()
        let any = matcher { $0.subject = "*" }
        let bad = [
            request(SilenceMatcher()), request(any, from: 100, until: 100), request(any, from: 100, until: 50),
            request(any, from: -50, until: 9), request(any, until: 400 * 86_400), request(any, because: " "),
            request(matcher { $0.subject = "a\u{1b}" }),
        ]
        for request in bad {
            #expect(throws: IncidentError(.invalidText, "")) { try desk.run(.add(request), at: 12) }
        }
        #expect(desk.book.silences.isEmpty)
    }

    @Test func areBoundedAndTheOldOnesLeaveFirst() throws {
        var configuration = IncidentBook.Configuration()
        configuration.silencesMax = 2
        var desk = Desk(configuration: configuration)
        let any = matcher { $0.subject = "*" }
        for round in 0..<6 {
            let start = Int64(round) * 10
            try desk.run(.add(request(any, from: start, until: start + 5)), at: start)
        }
        #expect(desk.book.silenceList.map(\.id.rawValue) == [4, 5, 6])
        try desk.run(.add(request(any, from: 60, until: 90)), at: 52)
        #expect(throws: IncidentError(.tooManySilences, "")) {
            try desk.run(.add(request(any, from: 60, until: 90)), at: 53)
        }
    }
}
