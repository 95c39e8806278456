import Incidents
package import Telemetry

/// What waits to be sent, in what order, and when: a pure core; the caller stores, sends and reports back.
///
/// An entry is stored before it is sent and stays until its receiver took it, so that a crash costs at most one
/// duplicate of each send under way, with the same key, and never a notice. One send a channel is under way at a time:
/// a channel that hangs holds up no other.
package struct OutboxMachine: Sendable {
    /// Limits of one channel.
    package struct Limits: Hashable, Sendable {
        /// Sends in any minute; 1 or more.
        ///
        /// Default 20.
        package var perMinute = 20
        /// So many digestible notices that wait are sent as one; 0 never does.
        ///
        /// Default 5.
        package var digestFrom = 5

        /// Makes the default limits.
        package init() {}
    }

    /// Limits of all.
    package struct Configuration: Hashable, Sendable {
        /// Pause after a channel's first failure; doubles with each further one.
        ///
        /// Default 2 s.
        package var backoffBase: Duration = .seconds(2)
        /// Longest pause of our own.
        ///
        /// Default 5 minutes. A receiver's `Retry-After` may ask for more, up to `retryAfterMax`.
        package var backoffCap: Duration = .seconds(300)
        /// The longest pause that a receiver may ask for.
        ///
        /// Default 1 hour.
        package var retryAfterMax: Duration = .seconds(3600)
        /// After so long without success an entry is given up.
        ///
        /// Default 24 hours.
        package var giveUpAfter: Duration = .seconds(86_400)
        /// Entries that wait; beyond, the least urgent is given up.
        ///
        /// Default 10,000.
        package var entriesMax = 10_000
        /// Notices in one digest; the rest goes into the next.
        ///
        /// Default 100.
        package var digestMax = 100

        /// Makes the default configuration.
        package init() {}
    }

    /// One send: a notice, or several as a digest.
    package struct Send: Hashable, Sendable {
        /// The channel.
        package var channel: String
        /// The notice's key, or the digest's.
        package var key: String
        /// What is told; more than one is a digest.
        package var entries: [OutboxEntry]
        /// Whether the entries must be stored before this is sent: a digest that was not put together before.
        package var isNewDigest: Bool

        /// Makes a send of at least one entry.
        package init(channel: String, key: String, entries: [OutboxEntry], isNewDigest: Bool) {
            self.channel = channel
            self.key = key
            self.entries = entries
            self.isNewDigest = isNewDigest
        }
    }

    /// How a send ended.
    package enum Outcome: Hashable, Sendable {
        /// The receiver took it.
        case delivered
        /// It may go through later; `after` is what the receiver asked for.
        case failed(reason: String, after: Duration?)
        /// It will never go through.
        case rejected(reason: String)
    }

    private struct Channel: Sendable {
        var limits: Limits
        var isSending = false
        var failures = 0
        var pausedUntil: Timestamp?
        /// Starts of the sends in the last minute.
        var sentAt: [Timestamp] = []
    }

    /// Limits.
    package let configuration: Configuration
    private var channels: [String: Channel]
    private var waiting: [OutboxEntry.ID: OutboxEntry] = [:]

    /// Makes an outbox for the given channels.
    package init(channels: [String: Limits], configuration: Configuration = Configuration()) {
        self.configuration = configuration
        self.channels = channels.mapValues { Channel(limits: $0) }
    }

    /// How many entries wait.
    package var waitingCount: Int { waiting.count }

    /// Takes entries, stored ones after a restart too.
    ///
    /// - Returns: entries that are given up at once, to be stored as such: their channel does not exist, or there are
    ///   too many.
    package mutating func add(_ entries: [OutboxEntry], at now: Timestamp) -> [OutboxEntry] {
        var dead: [OutboxEntry] = []
        for entry in entries where entry.state == .waiting && waiting[entry.id] == nil {
            guard channels[entry.channel] != nil else {
                dead.append(Self.end(entry, as: .dead, "no channel '\(entry.channel)' is configured", at: now))
                continue
            }
            waiting[entry.id] = entry
            if waiting.count > configuration.entriesMax, let least = leastUrgent {
                waiting[least.id] = nil
                dead.append(Self.end(least, as: .dead, "more than \(configuration.entriesMax) notices wait", at: now))
            }
        }
        return dead
    }

    /// Sends that are due at `now`; each is under way until `finish`.
    package mutating func due(at now: Timestamp) -> [Send] {
        channels.keys.sorted().compactMap { name in
            guard let channel = channels[name], isReady(channel, at: now) else { return nil }
            guard let send = next(name, limits: channel.limits) else { return nil }
            for entry in send.entries { waiting[entry.id] = entry }
            channels[name]?.isSending = true
            channels[name]?.sentAt = channel.sentAt.filter { now - $0 < .seconds(60) } + [now]
            return send
        }
    }

    /// When something may be due that is not now; nil when only a further `add` or `finish` can bring something.
    package func nextDue(at now: Timestamp) -> Timestamp? {
        Set(waiting.keys.map(\.channel)).compactMap { name -> Timestamp? in
            guard let channel = channels[name], !channel.isSending else { return nil }
            let recent = channel.sentAt.filter { now - $0 < .seconds(60) }
            let free = recent.count < channel.limits.perMinute ? nil : recent.first.map { $0 + .seconds(60) }
            return [channel.pausedUntil, free, now].compactMap { $0 }.max()
        }.min()
    }

    /// Notes how a send ended.
    ///
    /// - Returns: its entries as they are to be stored.
    package mutating func finish(_ send: Send, _ outcome: Outcome, at now: Timestamp) -> [OutboxEntry] {
        channels[send.channel]?.isSending = false
        switch outcome {
        case .delivered:
            channels[send.channel]?.failures = 0
            channels[send.channel]?.pausedUntil = nil
            return send.entries.map { close($0, as: .delivered, nil, at: now) }
        case .rejected(let reason):
            // The receiver is there; it is this notice that it will not have.
            channels[send.channel]?.failures = 0
            return send.entries.map { close($0, as: .dead, reason, at: now) }
        case .failed(let reason, let after):
            pause(send.channel, after: after, at: now)
            return send.entries.map { entry in
                var entry = entry
                entry.attempts += 1
                guard now - entry.createdAt < configuration.giveUpAfter else {
                    return close(entry, as: .dead, reason, at: now)
                }
                entry.failure = reason
                waiting[entry.id] = entry
                return entry
            }
        }
    }

    // MARK: - Inside

    private func isReady(_ channel: Channel, at now: Timestamp) -> Bool {
        if channel.isSending { return false }
        if let until = channel.pausedUntil, now < until { return false }
        return channel.sentAt.count { now - $0 < .seconds(60) } < channel.limits.perMinute
    }

    private func next(_ name: String, limits: Limits) -> Send? {
        let queue = waiting.values.filter { $0.channel == name }
        guard let head = queue.min(by: Self.precedes) else { return nil }
        if let key = head.digest {
            let members = queue.filter { $0.digest == key }.sorted(by: Self.precedes)
            return Send(channel: name, key: key, entries: members, isNewDigest: false)
        }
        let alike = queue.filter {
            $0.notice.isDigestible && $0.digest == nil && $0.recipients == head.recipients
        }
        guard head.notice.isDigestible, limits.digestFrom > 0, alike.count >= limits.digestFrom else {
            return Send(channel: name, key: head.notice.key, entries: [head], isNewDigest: false)
        }
        let key = "digest/\(head.notice.key)"
        let members = alike.sorted(by: Self.precedes).prefix(configuration.digestMax).map { entry in
            var entry = entry
            entry.digest = key
            return entry
        }
        return Send(channel: name, key: key, entries: members, isNewDigest: true)
    }

    private mutating func close(
        _ entry: OutboxEntry, as state: OutboxEntry.State, _ reason: String?, at now: Timestamp
    ) -> OutboxEntry {
        waiting[entry.id] = nil
        return Self.end(entry, as: state, reason, at: now)
    }

    private static func end(
        _ entry: OutboxEntry, as state: OutboxEntry.State, _ reason: String?, at now: Timestamp
    ) -> OutboxEntry {
        var entry = entry
        entry.state = state
        entry.endedAt = now
        if let reason { entry.failure = reason }
        return entry
    }

    private mutating func pause(_ name: String, after: Duration?, at now: Timestamp) {
        guard var channel = channels[name] else { return }
        channel.failures += 1
        let doubled = configuration.backoffBase * (1 << min(channel.failures - 1, 20))
        let whole = min(doubled, configuration.backoffCap)
        // Three quarters to the whole: two coordinators that lost one receiver do not come back in step.
        let own = whole * 3 / 4 + whole * Int(Self.hash("\(name)/\(channel.failures)") % 256) / 1024
        let asked = min(after ?? .zero, configuration.retryAfterMax)
        channel.pausedUntil = now + max(own, asked)
        channels[name] = channel
    }

    /// The worst level first, calls before ends, then the oldest.
    private static func precedes(_ lhs: OutboxEntry, _ rhs: OutboxEntry) -> Bool {
        let (left, right) = (lhs.notice, rhs.notice)
        if left.severity != right.severity { return left.severity > right.severity }
        if (left.purpose == .resolved) != (right.purpose == .resolved) { return right.purpose == .resolved }
        return lhs.createdAt == rhs.createdAt ? left.key < right.key : lhs.createdAt < rhs.createdAt
    }

    private var leastUrgent: OutboxEntry? {
        waiting.values.filter { channels[$0.channel]?.isSending != true }.max(by: Self.precedes)
    }

    /// FNV-1a: the same on every machine, unlike the standard library's hashes.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
