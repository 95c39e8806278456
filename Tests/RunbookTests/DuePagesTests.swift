import Detection
import Incidents
import Telemetry
import Testing
import TocsinTestKit

@testable import Runbook

/// That the list of what is due next never differs from asking every incident.
@Suite struct DuePagesTests {
    /// Many incidents at once: events, holds and policies change at random, and time goes on in uneven steps.
    private struct Fleet {
        var machine = EscalationMachine(policy: .runbook)
        var random: SeededRandom
        var log: [IncidentEvent] = []
        var held: Set<IncidentID> = []
        var episodes: [IncidentID: Int] = [:]
        var now = Response.start

        init(seed: UInt64) { random = SeededRandom(seed: seed) }

        mutating func record(_ kind: IncidentEvent.Kind, of id: IncidentID) {
            let event = IncidentEvent(sequence: UInt64(log.count + 1), incident: id, at: now, kind: kind)
            log.append(event)
            machine.apply(event)
        }

        /// What each incident says when it is asked, in the order of the machine.
        var asked: [(IncidentID, Page)] {
            var pages: [(IncidentID, Page)] = []
            for id in episodes.keys {
                guard var chain = machine.chain(of: id) else { continue }
                while let page = chain.next(machine.policy), page.dueAt <= now,
                    !held.contains(id) || page.reason == .resolved
                {
                    pages.append((id, page))
                    chain.apply(IncidentEvent(sequence: 0, incident: id, at: now, kind: .paged(page: page)))
                }
            }
            return pages.sorted { ($0.1.dueAt, $0.0, $0.1.step) < ($1.1.dueAt, $1.0, $1.1.step) }
        }

        mutating func step() {
            let id = IncidentID(rawValue: Int.random(in: 1...12, using: &random))
            let severity = Severity.allCases.randomElement(using: &random) ?? .p3
            guard let episode = episodes[id] else {
                episodes[id] = 1
                return record(
                    .detected(
                        subject: Response.subject, family: .database, checkGroup: "g", title: "t", episode: 1,
                        onsetAt: now, detectedAt: now), of: id)
            }
            switch Int.random(in: 0...9, using: &random) {
            case 0...2: level(severity, of: id)
            case 3: record(.acknowledged(by: "ada", severity: severity), of: id)
            case 4: record(.noted(by: "ada", text: "…"), of: id)
            case 5 where machine.chain(of: id)?.isOpen == true: record(.resolved(by: .system, cause: nil), of: id)
            case 5:
                episodes[id] = episode + 1
                record(.reopened(title: "t", episode: episode + 1, onsetAt: now, detectedAt: now), of: id)
            case 6: held.formSymmetricDifference([id])
            case 7: promise(severity == .p1 ? .customer : .update, of: id)
            case 8: changePolicy(severity)
            default: now = now + .seconds([1, 60, 900, 7200].randomElement(using: &random) ?? 1)
            }
        }

        private mutating func level(_ severity: Severity, of id: IncidentID) {
            let from = machine.chain(of: id)?.severity
            let entry = LedgerEntry(at: now, severity: severity, check: "c", rule: "r", because: "b", sentence: "s")
            record(.severityChanged(from: from, to: severity, entry: entry), of: id)
        }

        private mutating func promise(_ kind: SentMessage.Kind, of id: IncidentID) {
            let next = now + .seconds(Int64.random(in: 1...3000, using: &random))
            let key = "m/\(log.count)"
            record(
                .messageSent(message: SentMessage(key: key, kind: kind, author: "a", text: "…", nextUpdateAt: next)),
                of: id)
        }

        /// As a changed thresholds file does it: what is pending is due by the new one.
        private mutating func changePolicy(_ severity: Severity) {
            var policy = EscalationPolicy.runbook
            policy[severity].steps[1].after = .seconds(Int64.random(in: 1...3600, using: &random))
            policy[severity].retriggerAfter = Bool.random(using: &random) ? nil : .seconds(600)
            machine.policy = policy
        }
    }

    @Test(arguments: 1...30) func whatIsDueIsWhatEachIncidentSays(seed: Int) {
        var fleet = Fleet(seed: UInt64(seed))
        for step in 0..<600 {
            fleet.step()
            let held = fleet.held
            let due = fleet.machine.due(at: fleet.now) { held.contains($0) }
            let asked = fleet.asked
            guard due.map(\.0) == asked.map(\.0), due.map(\.1) == asked.map(\.1) else {
                Issue.record("step \(step): \(due.map(\.1.key)) is due, asked they say \(asked.map(\.1.key))")
                return
            }
            // Some are recorded at once, some wait, as when a store refuses.
            for (id, page) in due where Bool.random(using: &fleet.random) { fleet.record(.paged(page: page), of: id) }
        }
        var folded = EscalationMachine(policy: fleet.machine.policy)
        for event in fleet.log { folded.apply(event) }
        #expect(folded == fleet.machine, "a restart knows the same")
    }

    @Test func aShorterStepOfAReloadedMatrixIsDueAtOnce() {
        var response = Response()
        response.open(.p1)
        #expect(response.run(until: 10).isEmpty)
        response.machine.policy[.p1].steps[1].after = .seconds(300)
        #expect(response.run(until: 10).map(\.roles) == [["Engineering Manager"]])
        #expect(response.run(until: 10).isEmpty)
    }

    @Test func whatWasHeldIsDueInTheStepInWhichItIsHeldNoMore() {
        var response = Response()
        response.open(.p1)
        #expect(response.run(until: 45, isHeld: true).isEmpty)
        #expect(response.run(until: 45, isHeld: false).map(\.roles) == [["Engineering Manager"]])
        response.resolve(at: 46)
        #expect(response.run(until: 46, isHeld: true).map(\.reason) == [.resolved], "an end is never held")
    }
}
