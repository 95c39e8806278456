import SampleLink
import TocsinTestKit

/// What survives a crash of the agent: records by sequence, and the marks of the real spool.
struct SpoolModel {
    var session: Int
    var records: [UInt64: Int] = [:]
    var last: UInt64 = 0
    var acknowledged: UInt64 = 0
    var openedLast: UInt64 = 0
    var hasSent = false

    /// The mark that the real spool keeps: appended since an open that never sent is certainly unsent.
    mutating func open() -> AgentLinkMachine {
        if hasSent { openedLast = last }
        hasSent = false
        return AgentLinkMachine(last: last, acknowledged: acknowledged, sentThrough: min(openedLast, last))
    }

    /// Records before it are gone; damage inside shows only when it is read.
    var heldFrom: UInt64 = 1

    mutating func delete(before sequence: UInt64) {
        heldFrom = max(heldFrom, sequence)
        records = records.filter { $0.key >= sequence }
    }

    mutating func lose(_ range: ClosedRange<UInt64>) {
        openedLast = max(openedLast, range.upperBound)
    }
}

/// What survives a crash of the coordinator.
struct StoreModel {
    var durable: [Int: UInt64] = [:]
    var stored: [Int: [(sequence: UInt64, payload: Int)]] = [:]
    var losses: [Int: [ClosedRange<UInt64>]] = [:]

    /// What is stored or lost after the durable sequence.
    func held(_ id: Int) -> SequenceRanges {
        var held = known(id)
        held.remove(before: durable[id, default: 0] + 1)
        return held
    }

    private func known(_ id: Int) -> SequenceRanges {
        SequenceRanges((stored[id] ?? []).map { $0.sequence...$0.sequence } + (losses[id] ?? []))
    }

    mutating func settle(_ id: Int) {
        durable[id] = known(id).gap(from: 1) - 1
    }

    /// Records as lost what is missing below `first`.
    mutating func skip(_ id: Int, to first: UInt64) {
        let known = known(id)
        var next = durable[id, default: 0] + 1
        while next < first {
            let end =
                known.range(containing: next)?.upperBound
                ?? min(first, known.range(after: next)?.lowerBound ?? first) - 1
            if known.range(containing: next) == nil { losses[id, default: []].append(next...end) }
            next = end + 1
        }
        settle(id)
    }
}

/// Both machines, a link that delivers in order or breaks, and everything that can crash.
struct LinkWorld {
    enum Up { case hello(session: Int, first: UInt64, last: UInt64), frame(UInt64, Int, isBackfill: Bool) }
    enum Down {
        case welcome(UInt64, UInt32, ahead: [ClosedRange<UInt64>])
        case ack(IngestSessionMachine.Acknowledgement)
    }

    var random: SeededRandom
    var spool = SpoolModel(session: 0)
    var copy: SpoolModel?
    var agent: AgentLinkMachine
    var store = StoreModel()
    var session: (id: Int, machine: IngestSessionMachine)?
    var pending: [(sequence: UInt64, payload: Int)] = []
    var up: [Up] = []
    var down: [Down] = []
    var isConnected = false
    var nextPayload = 0
    var sessions = 1
    var faults: [String] = []

    // For the final account: where each payload was appended, and which the agent knows it lost.
    var appended: [Int: (session: Int, sequence: UInt64)] = [:]
    var lostByAgent: Set<Int> = []
    var vanished: Set<Int> = []
    var repeatable: Set<Int> = []
    var events: [String: Int] = [:]

    let usesLanes: Bool

    init(seed: UInt64, usesLanes: Bool) {
        self.usesLanes = usesLanes
        random = SeededRandom(seed: seed)
        agent = spool.open()
    }

    mutating func chance(_ one: Int, in all: Int) -> Bool { Int.random(in: 0..<all, using: &random) < one }

    mutating func note(_ event: String) { events[event, default: 0] += 1 }

    // MARK: the agent

    mutating func append() {
        spool.last += 1
        spool.records[spool.last] = nextPayload
        appended[nextPayload] = (spool.session, spool.last)
        nextPayload += 1
        agent.appended(through: spool.last)
    }

    mutating func connect() {
        guard !isConnected else { return }
        let (first, last) = agent.hello(heldFrom: spool.heldFrom)
        isConnected = true
        up.append(.hello(session: spool.session, first: first, last: last))
    }

    mutating func disconnect() {
        isConnected = false
        up = []
        down = []
        agent.disconnected()
    }

    mutating func send() {
        let fresh = agent.sendable()
        guard let range = fresh ?? agent.backfillSendable() else { return }
        if fresh == nil { note("backfill") }
        for sequence in range.prefix(3) {
            guard let payload = spool.records[sequence] else {
                let end = spool.records.keys.filter { $0 > sequence }.min().map { $0 - 1 } ?? spool.last
                spool.lose(sequence...end)
                perform(agent.lost(sequence...end))
                return
            }
            spool.hasSent = true
            up.append(.frame(sequence, payload, isBackfill: fresh == nil))
            if fresh == nil { agent.backfilled(through: sequence) } else { agent.sent(through: sequence) }
        }
    }

    mutating func dropOldest() {
        let end = min(spool.last, spool.heldFrom + UInt64.random(in: 0...5, using: &random))
        guard spool.heldFrom <= end else { return }
        let range = spool.heldFrom...end
        for sequence in range {
            if let payload = spool.records[sequence], sequence > spool.acknowledged { lostByAgent.insert(payload) }
        }
        spool.delete(before: end + 1)
        spool.lose(range)
        perform(agent.lost(range))
    }

    mutating func damageOne() {
        guard let sequence = spool.records.keys.sorted().randomElement(using: &random) else { return }
        // The agent is not told: it finds out when it reads.
        if sequence > spool.acknowledged { lostByAgent.insert(spool.records[sequence]!) }
        spool.records[sequence] = nil
    }

    mutating func restartAgent() {
        disconnect()
        agent = spool.open()
    }

    mutating func restoreOldCopy() {
        guard let copy, copy.session == spool.session else { return }
        for (payload, place) in appended where place.session == copy.session && place.sequence > copy.last {
            vanished.insert(payload)
        }
        // A copy from before its process sent anything can't know what was sent after it: those go twice, never astray.
        if !copy.hasSent { repeatable.formUnion(copy.records.filter { $0.key > copy.openedLast }.values) }
        spool = copy
        self.copy = nil
        note("restored")
        restartAgent()
    }

    mutating func perform(_ actions: [AgentLinkMachine.Action]) {
        for action in actions {
            switch action {
            case .acknowledgeSpool(let through):
                spool.acknowledged = max(spool.acknowledged, through)
                // Whole segments go at once: some acknowledged records stay for a while.
                let keep = UInt64.random(in: 0...4, using: &random)
                if through > keep { spool.delete(before: through - keep) }
            case .declareLoss(_, let cause): note("loss by \(cause)")
            case .reconnect(let reason):
                if case .acknowledgedUnsent = reason { faults.append("acknowledged what was not sent") }
                note("reconnect")
                disconnect()
            case .beginNewSession(let keepAfter, _):
                note("new session")
                disconnect()
                beginNewSession(keepAfter: keepAfter)
            }
        }
    }

    private mutating func beginNewSession(keepAfter: UInt64) {
        var fresh = SpoolModel(session: sessions)
        sessions += 1
        // With holes among what is durable, some of it goes twice.
        if !store.held(spool.session).ranges.isEmpty {
            repeatable.formUnion(spool.records.filter { $0.key > keepAfter }.values)
        }
        for (_, payload) in spool.records.filter({ $0.key > keepAfter }).sorted(by: { $0.key < $1.key }) {
            fresh.last += 1
            fresh.records[fresh.last] = payload
            appended[payload] = (fresh.session, fresh.last)
        }
        spool = fresh
        agent = spool.open()
    }

    // MARK: the coordinator

    mutating func commit(_ count: Int) {
        guard let id = session?.id, count > 0, !pending.isEmpty else { return }
        let batch = pending.prefix(count)
        pending.removeFirst(batch.count)
        store.stored[id, default: []] += batch
        store.settle(id)
        for frame in batch {
            if let ack = session?.machine.durable(through: frame.sequence), isConnected { down.append(.ack(ack)) }
        }
        if let durable = session?.machine.durable, durable != store.durable[id] {
            faults.append("acknowledged \(durable), durable is \(store.durable[id] ?? 0)")
        }
    }

    mutating func crashCoordinator() {
        pending = []
        session = nil
        disconnect()
    }

    mutating func forget() {
        crashCoordinator()
        let id = spool.session
        let kept = Int.random(in: 0...store.stored[id, default: []].count, using: &random)
        store.stored[id, default: []].removeSubrange(kept...)
        let newest = store.stored[id, default: []].map(\.sequence).max() ?? 0
        store.losses[id, default: []].removeAll { $0.lowerBound > newest }
        store.settle(id)
        note("forgot")
    }

    mutating func deliverUp() {
        guard isConnected, !up.isEmpty else { return }
        switch up.removeFirst() {
        case .hello(let id, let first, let last): welcome(id, first, last)
        case .frame(let sequence, let payload, let isBackfill): receive(sequence, payload, isBackfill)
        }
    }

    private mutating func welcome(_ id: Int, _ first: UInt64, _ last: UInt64) {
        // The old stream is fenced: what it had pending is stored or dropped before the durable sequence is read.
        if chance(1, in: 2) { commit(pending.count) }
        down = []
        pending = []
        let window = UInt32.random(in: 1...10, using: &random)
        if !store.held(id).ranges.isEmpty { store.skip(id, to: first) }
        let (durable, held) = (store.durable[id] ?? 0, store.held(id))
        do {
            var machine = try IngestSessionMachine(
                durable: durable, held: held, first: held.ranges.isEmpty ? first : min(first, durable + 1),
                last: max(last, durable), window: window, usesLanes: usesLanes)
            down.append(.welcome(machine.durable, window, ahead: held.ranges))
            if let loss = machine.openingLoss {
                store.losses[id, default: []].append(loss)
                store.durable[id] = loss.upperBound
                _ = machine.durable(through: loss.upperBound)
            }
            session = (id, machine)
        } catch {
            faults.append("\(error)")
        }
    }

    private mutating func receive(_ sequence: UInt64, _ payload: Int, _ isBackfill: Bool) {
        switch session?.machine.receive(sequence, isBackfill: isBackfill) {
        case .store: pending.append((sequence, payload))
        case .duplicate: if let session { down.append(.ack(session.machine.acknowledgement)) }
        case .gap(let expected): faults.append("gap: \(sequence), expected \(expected)")
        case .beyondWindow(let limit): faults.append("window: \(sequence), limit \(limit)")
        case nil: break
        }
    }

    mutating func deliverDown() {
        guard isConnected, !down.isEmpty else { return }
        switch down.removeFirst() {
        case .welcome(let durable, let window, let ahead):
            perform(agent.connected(durable: durable, window: window, ahead: ahead, usesLanes: usesLanes))
        case .ack(let ack): perform(agent.acknowledged(through: ack.durable, fresh: ack.fresh))
        }
    }
}
