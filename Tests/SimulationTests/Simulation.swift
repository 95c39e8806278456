import Detection
import Foundation
import Incidents
import Runbook
import Signals
import Telemetry
import TocsinTestKit

/// A fault that is put into the machinery on purpose, to see that the simulation finds it.
enum Mutation: String, CaseIterable, Sendable {
    /// A stored event is never folded in the live process.
    case forgetsAnEvent
    /// An event is folded and never stored.
    case storesTooLittle
    /// The level changes and the ledger does not.
    case raisesWithoutReason
    /// A worse finding leaves the level as it is.
    case neverRaises
    /// The level falls at once.
    case fallsAtOnce
    /// An episode is ended twice.
    case endsTwice
    /// A recovery ends nothing.
    case neverEnds
    /// A consequence becomes a root's root.
    case chainsRoots
    /// Pages go out although somebody has the incident.
    case ignoresAcknowledgements
    /// Silences and roots hold nothing.
    case holdsNothing
}

/// What went wrong in a run, and how to see it again.
struct SimulationFailure: Error, CustomStringConvertible {
    var seed: UInt64
    var step: Int
    var reason: String
    /// The last things that happened.
    var trace: [String]

    var description: String {
        "seed \(seed), step \(step): \(reason)\nreplay: make simulate SEED=\(seed)\n"
            + trace.map { "  \($0)\n" }.joined()
    }
}

/// Some virtual days of a shop in trouble, drawn from a seed: findings, people, restarts, crashes, clocks that jump.
///
/// The book is worked as the coordinator does: events of findings are folded at once and stored a little later, those
/// of commands are stored first. A crash loses what was not stored; the detectors then learn from the log what is open.
struct Simulation {
    let seed: UInt64
    let mutation: Mutation?
    private(set) var book: IncidentBook
    private(set) var log: [IncidentEvent] = []
    private(set) var step = 0
    private(set) var restarts = 0
    private(set) var clockJumps = 0
    private var unsaved: [IncidentEvent] = []
    private var graph = DependencyGraph()
    private var escalation = EscalationMachine(policy: .runbook)
    private var checker: Invariants
    private var paging = PagingInvariants(policy: .runbook)
    private var random: SeededRandom
    private var clock = SimulatedShop.start
    private var shift = 0
    private var open: [Int: Timestamp] = [:]
    private var trace: [String] = []
    private var hasMutated = false

    static let configuration: IncidentBook.Configuration = {
        var configuration = IncidentBook.Configuration()
        configuration.openIncidentsMax = 40
        configuration.resolvedIncidentsMax = 12
        configuration.silencesMax = 8
        configuration.consequencesMax = 6
        return configuration
    }()

    init(seed: UInt64, mutation: Mutation? = nil) {
        self.seed = seed
        self.mutation = mutation
        random = SeededRandom(seed: seed)
        book = IncidentBook(severities: SimulatedShop.table, configuration: Self.configuration)
        checker = Invariants(configuration: Self.configuration)
    }

    /// Runs virtual days, then lets everything recover; throws the first broken invariant.
    mutating func run(days: Int = 3) throws(SimulationFailure) {
        let end = SimulatedShop.start + .seconds(86_400 * days)
        var elapsed = SimulatedShop.start
        while elapsed < end {
            // Busy hours and quiet ones, so that windows are both met and missed.
            let pause =
                random.chance(0.05)
                ? Int.random(in: 600...7200, using: &random) : Int.random(in: 1...240, using: &random)
            elapsed = elapsed + .seconds(pause)
            clock = clock + .seconds(pause)
            step += 1
            try act()
            // What is judged of the whole book stays wrong once it is.
            if step % 10 == 0 { try check() }
        }
        try recover()
    }

    // MARK: - What happens

    private mutating func act() throws(SimulationFailure) {
        try tick()
        switch Double.random(in: 0..<1, using: &random) {
        case ..<0.70: try detect(Int.random(in: SimulatedShop.detectors.indices, using: &random))
        case ..<0.72: try breakDatabase()
        case ..<0.73: try flap()
        case ..<0.92: try command()
        case ..<0.95: try silence()
        case ..<0.97: shift += 1
        case ..<0.985: try restart(isCrash: random.chance(0.5))
        default: jump()
        }
    }

    private mutating func tick() throws(SimulationFailure) {
        graph.advance(to: clock)
        graph.take(SimulatedShop.samples(shift: shift), cluster: SimulatedShop.cluster)
        let settled = book.settle(now: clock)
        guard Set(settled.map(\.incident)) == dueToSettle else {
            throw fail("\(dueToSettle.sorted()) are due to settle, the book says \(settled.map(\.incident))")
        }
        try record(settled, isStoredFirst: false)
        try page()
        if random.chance(0.5) { try save() }
    }

    /// The incidents that time alone changes now, by looking at each.
    private var dueToSettle: Set<IncidentID> {
        let configuration = book.configuration
        let due = book.incidents.values.filter { incident in
            guard incident.isOpen else { return false }
            if let until = incident.heldUntil, until <= clock { return true }
            guard let root = incident.root else { return false }
            guard let known = book.incidents[root] else { return true }
            return known.resolvedAt.map { clock - $0 >= configuration.consequencesOutlast } ?? false
        }
        return Set(due.map(\.id))
    }

    /// Records the pages that are due, as the coordinator does.
    private mutating func page() throws(SimulationFailure) {
        for id in book.incidents.keys where book.holdsPages(of: id, at: clock) != isHeld(id) {
            throw fail("\(id) \(isHeld(id) ? "is held" : "is not held"), and the book says otherwise")
        }
        let due = escalation.due(at: clock) { isHeld($0) && mutation != .holdsNothing }
        try record(
            due.map { .init(incident: $0.0, at: clock, kind: .paged(page: $0.1)) }, isStoredFirst: false)
    }

    private func isHeld(_ id: IncidentID) -> Bool {
        book.incidents[id].map { $0.root != nil || book.isSilenced($0, at: clock) } ?? false
    }

    private mutating func detect(_ index: Int, phase wanted: Finding.Phase? = nil) throws(SimulationFailure) {
        let detector = SimulatedShop.detectors[index]
        let value = Double(Int.random(in: 0...100, using: &random)) / 100
        let phase: Finding.Phase
        if let wanted {
            phase = wanted
        } else if open[index] == nil {
            phase = .opened
        } else {
            phase = random.chance(0.35) ? .closed : .ongoing
        }
        let onset = open[index] ?? clock - .seconds(Int.random(in: 0...300, using: &random))
        open[index] = phase == .closed ? nil : onset
        let finding = SimulatedShop.finding(detector, phase, value: value, onset: onset, at: clock)
        let decision = book.decide(finding, dependents: graph.dependents(of: detector.subject).count, now: clock)
        note("\(detector.subject.path) \(detector.check.name) \(phase.rawValue) \(value)")
        try record(decision.drafts, isStoredFirst: false)
        let incident = book.incident(of: IncidentKey(subject: detector.subject, checkGroup: detector.check.group))
        let record = incident?.findings.first { $0.finding.check == detector.check.name }
        if phase != .closed, record?.isOpen != true, !decision.refused { throw fail("no incident knows of the breach") }
        if phase == .closed, record?.isOpen == true { throw fail("the incident does not know of the recovery") }
    }

    /// A database goes down and takes its services along, as it happens.
    private mutating func breakDatabase() throws(SimulationFailure) {
        let database = Int.random(in: SimulatedShop.databases.indices, using: &random)
        let hit = [SimulatedShop.databases[database]] + graph.dependents(of: SimulatedShop.databases[database])
        for index in SimulatedShop.detectors.indices.shuffled(using: &random) {
            let detector = SimulatedShop.detectors[index]
            guard hit.contains(detector.subject), open[index] == nil else { continue }
            let isItsCheck = detector.check == SimulatedShop.down || detector.check == SimulatedShop.errorRate
            if isItsCheck { try detect(index, phase: .opened) }
        }
    }

    /// A check that comes and goes, as it does before somebody repairs it.
    private mutating func flap() throws(SimulationFailure) {
        let index = Int.random(in: SimulatedShop.detectors.indices, using: &random)
        for _ in 0..<Int.random(in: 3...7, using: &random) {
            for phase in [Finding.Phase.opened, .closed] where (open[index] == nil) == (phase == .opened) {
                clock = clock + .seconds(Int.random(in: 60...500, using: &random))
                try tick()
                try detect(index, phase: phase)
            }
        }
    }

    private mutating func command() throws(SimulationFailure) {
        let id = IncidentID(rawValue: Int.random(in: 1...max(1, book.lastNumber + 1), using: &random))
        let author = ["anna", "bert"].randomElement(using: &random) ?? "anna"
        let state = IncidentState.allCases.randomElement(using: &random) ?? .monitoring
        let commands: [IncidentCommand] = [
            .acknowledge(id, by: author), .note(id, by: author, text: "seen"), .setState(id, to: state, by: author),
            .resolve(id, by: author, cause: "a cause"),
        ]
        guard let command = commands.randomElement(using: &random) else { return }
        // Half of the people work with what they saw a while ago.
        let seen = book.incidents[id]?.version
        let expected = random.chance(0.5) ? seen.map { random.chance(0.3) ? $0 &- 1 : $0 } : nil
        let decision = Result { () throws(IncidentError) in
            try book.decide(command, expecting: expected, now: clock)
        }
        switch decision {
        case .success(let drafts):
            note("\(command)")
            if let expected, expected != seen { throw fail("a command for version \(expected) passed at \(seen ?? 0)") }
            try record(drafts, isStoredFirst: true)
        case .failure(let error): note("refused: \(error)")
        }
    }

    private mutating func silence() throws(SimulationFailure) {
        var matcher = SilenceMatcher()
        matcher.subject = ["shop/*", "postgresql/d0", "*s1"].randomElement(using: &random)
        if random.chance(0.3) { matcher.severityAtMost = .p3 }
        let from = clock + .seconds(Int.random(in: 0...600, using: &random))
        let request = Silence.Request(
            random.chance(0.5) ? .silence : .maintenance, matcher, by: "anna", because: "work", startsAt: from,
            endsAt: from + .seconds(Int.random(in: 60...7200, using: &random)))
        let id = SilenceID(rawValue: Int.random(in: 1...(book.lastSilence + 1), using: &random))
        let command: SilenceCommand = random.chance(0.7) ? .add(request) : .expire(id, by: "bert")
        if let drafts = try? book.decide(command, now: clock) {
            note("\(command)")
            try record(drafts, isStoredFirst: true)
        }
    }

    /// Stops in order, or dies: then what was not stored is lost.
    ///
    /// What was recovered meanwhile closes afterwards.
    private mutating func restart(isCrash: Bool) throws(SimulationFailure) {
        if !isCrash { try save() }
        note(isCrash ? "crash, \(unsaved.count) events lost" : "restart")
        unsaved = []
        let folded = foldedLog()
        if !isCrash, folded != book { throw fail("the fold of the log is not the book after a restart") }
        book = folded
        checker.restart(log: log)
        escalation = EscalationMachine(policy: .runbook)
        paging = PagingInvariants(policy: .runbook)
        for event in log {
            escalation.apply(event)
            _ = paging.take(event, isHeld: false)
        }
        graph = DependencyGraph()
        restarts += 1
        // The detectors learn what is open from the log, and see at their next point what is true.
        let known = Set(book.openFindings.map { DetectorName(subject: $0.subject, check: $0.check) })
        for index in SimulatedShop.detectors.indices {
            let detector = SimulatedShop.detectors[index]
            let isKnown = known.contains(DetectorName(subject: detector.subject, check: detector.check.name))
            if isKnown, open[index] == nil { open[index] = clock }
            if !isKnown, open[index] != nil { open[index] = nil }
        }
    }

    private mutating func jump() {
        clockJumps += 1
        let seconds =
            random.chance(0.5) ? Int.random(in: -3600...0, using: &random) : Int.random(in: 0...172_800, using: &random)
        clock = clock + .seconds(seconds)
        note("the clock jumps by \(seconds) s")
    }

    private mutating func recover() throws(SimulationFailure) {
        for index in open.keys.sorted() {
            try detect(index, phase: .closed)
            // Ends are told before the book lets go of what ended long ago.
            try page()
        }
        try check()
        for _ in 0..<4 {
            clock = clock + .seconds(86_400)
            step += 1
            try tick()
            try check()
        }
        try save()
        if foldedLog() != book { throw fail("the fold of the log is not the book at the end") }
        guard book.openIncidents.isEmpty, book.openFindings.isEmpty, book.unsettled.isEmpty else {
            throw fail("something is still open although all has recovered: \(book.openIncidents.map(\.id))")
        }
        if let reason = checker.unfinished ?? paging.unfinished { throw fail(reason) }
    }

    // MARK: - The log

    private struct DetectorName: Hashable {
        var subject: Subject
        var check: String
    }

    private mutating func record(_ drafts: [IncidentEvent.Draft], isStoredFirst: Bool) throws(SimulationFailure) {
        var events = mutated(book.complete(drafts, over: graph, now: clock))
        if isStoredFirst {
            try save()
            try store(events)
        } else {
            unsaved += events
        }
        if mutation == .forgetsAnEvent, !hasMutated, events.count > 3, random.chance(0.1) {
            events.removeLast()
            hasMutated = true
        }
        for event in events {
            note("  \(event.sequence) \(event.incident) \(event.kind.name)")
            if let reason = paging.take(event, isHeld: isHeld(event.incident)) {
                throw fail("event \(event.sequence) \(event.incident): \(reason)")
            }
            book.apply(event)
            // A machine that is not told of an acknowledgement goes on calling.
            if mutation != .ignoresAcknowledgements || event.kind.name != "acknowledged" { escalation.apply(event) }
        }
        if let reason = checker.take(events, book: book) { throw fail(reason) }
    }

    private mutating func save() throws(SimulationFailure) {
        if mutation == .storesTooLittle, !hasMutated, unsaved.count > 2, random.chance(0.1) {
            unsaved.removeLast()
            hasMutated = true
        }
        try store(unsaved)
        unsaved = []
    }

    /// Appends events as a restart will read them: through the stored form.
    private mutating func store(_ events: [IncidentEvent]) throws(SimulationFailure) {
        do {
            log += try JSONDecoder().decode([IncidentEvent].self, from: JSONEncoder().encode(events))
        } catch {
            throw fail("events cannot be read back: \(error)")
        }
    }

    private func foldedLog() -> IncidentBook {
        var folded = IncidentBook(severities: SimulatedShop.table, configuration: Self.configuration)
        for event in log { folded.apply(event) }
        return folded
    }

    private mutating func check() throws(SimulationFailure) {
        if let reason = checker.broken(in: book, at: clock) { throw fail(reason) }
    }

    private func fail(_ reason: String) -> SimulationFailure {
        SimulationFailure(seed: seed, step: step, reason: reason, trace: trace)
    }

    private mutating func note(_ text: String) {
        trace.append("\(clock.millis / 1000) \(text)")
        if trace.count > 60 { trace.removeFirst(20) }
    }

    // MARK: - Faults on purpose

    private mutating func mutated(_ events: [IncidentEvent]) -> [IncidentEvent] {
        guard let mutation, !events.isEmpty else { return events }
        var changed = events
        switch mutation {
        case .forgetsAnEvent, .storesTooLittle, .ignoresAcknowledgements, .holdsNothing: return events
        case .raisesWithoutReason:
            for index in changed.indices {
                guard case .severityChanged(let from, let to, var entry) = changed[index].kind else { continue }
                (entry.severity, entry.because) = (.p4, "")
                changed[index].kind = .severityChanged(from: from, to: to, entry: entry)
            }
        case .neverRaises:
            changed.removeAll {
                if case .severityChanged(let from?, let to, _) = $0.kind { from < to } else { false }
            }
        case .fallsAtOnce:
            guard let last = changed.last, let incident = book.incidents[last.incident], incident.severity > .p4,
                case .findingUpdated(_, let assessment) = last.kind, assessment.severity < incident.severity
            else { return events }
            var entry =
                incident.ledger.last
                ?? LedgerEntry(
                    at: clock, severity: .p4, check: "", rule: "", because: "x", sentence: "x")
            (entry.at, entry.severity, entry.previous, entry.cause) = (
                clock, assessment.severity, incident.severity, "a whim"
            )
            changed.append(
                IncidentEvent(
                    sequence: 0, incident: last.incident, at: clock,
                    kind: .severityChanged(from: incident.severity, to: assessment.severity, entry: entry)))
        case .endsTwice: changed = changed.flatMap { $0.kind.name == "resolved" ? [$0, $0] : [$0] }
        case .neverEnds: changed.removeAll { $0.kind.name == "resolved" }
        case .chainsRoots:
            for index in changed.indices {
                guard case .joined(let root, let from, let reasons) = changed[index].kind,
                    let child = book.incidents.values.first(where: { $0.root == root })
                else { continue }
                changed[index].kind = .joined(root: child.id, from: from, reasons: reasons)
            }
        }
        for index in changed.indices { changed[index].sequence = book.lastSequence + UInt64(index) + 1 }
        return changed
    }
}
