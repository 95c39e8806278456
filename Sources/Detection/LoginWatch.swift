package import Telemetry

/// One attempt to log in, from an audit log.
package struct LoginEvent: Hashable, Sendable, Codable {
    /// When it happened.
    package var at: Timestamp
    /// Whose account, as the source names it; empty when the source does not say.
    package var account: String
    /// Where from; empty when the source does not say.
    package var address: String
    /// Whether it succeeded.
    package var isSuccess: Bool

    /// Makes an event.
    package init(at: Timestamp, account: String, address: String, isSuccess: Bool) {
        self.at = at
        self.account = account
        self.address = address
        self.isSuccess = isSuccess
    }
}

/// Watches the logins of one subject for sequences that counts of failures do not show.
///
/// - `login-failures`: many failures of one account or from one address within a short window.
/// - `login-after-failures`: a success after many failures in a row of the same account: a guessed password.
/// - `login-spray`: failures from one address on many accounts, few on each, however slowly, within a long window.
///
/// Accounts and addresses are held in two tables of bounded size. When one is full, the entry with the fewest
/// failures makes room and hands its count on (Metwally, Agrawal, El Abbadi 2005, "Space-Saving"), so that whoever
/// fails most is always in; a count that was handed on is known as such and proves nothing. The accounts that an
/// address failed on are told apart by hashes, at most 32.
package struct LoginWatch: Sendable {
    /// Whose logins.
    package let subject: Subject
    /// Limits and times.
    package let configuration: Configuration
    var accounts: LoginTable
    var addresses: LoginTable
    var standing: [String: StandingFinding] = [:]
    var now: Timestamp

    /// A finding that stands, with whom it names.
    struct StandingFinding: Sendable, Codable, Hashable {
        var onsetAt: Timestamp
        var lastAt: Timestamp
        var worst: Double
        var names: [String: Double]
        var sentence: String
    }

    /// Makes a watch that has seen nothing.
    package init(subject: Subject, configuration: Configuration = Configuration(), startedAt now: Timestamp) {
        self.subject = subject
        self.configuration = configuration
        self.now = now
        accounts = LoginTable(capacity: configuration.accountsMax)
        addresses = LoginTable(capacity: configuration.addressesMax)
    }

    /// Takes events in the order of the log and gives the findings they open or prolong, one for each check at most.
    ///
    /// An event from ahead of the watch's time moves it on; one older than the long window is passed over.
    package mutating func take(_ events: some Sequence<LoginEvent>) -> [Finding] {
        var touched: [Pattern: Finding.Phase] = [:]
        for event in events {
            guard event.at > now - configuration.sprayWindow else { continue }
            now = max(now, event.at)
            if event.isSuccess { succeed(event, &touched) } else { fail(event, &touched) }
        }
        return Pattern.allCases.compactMap { pattern in
            touched[pattern].flatMap { finding(pattern, $0) }
        }
    }

    /// Sets the time and closes what has been quiet for `quietAfter`.
    package mutating func advance(to time: Timestamp) -> [Finding] {
        now = max(now, time)
        accounts.forget(before: now - configuration.sprayWindow)
        addresses.forget(before: now - configuration.sprayWindow)
        return Pattern.allCases.compactMap { pattern in
            guard let found = standing[pattern.rawValue], now - found.lastAt >= configuration.quietAfter else {
                return nil
            }
            let closed = finding(pattern, .closed)
            standing[pattern.rawValue] = nil
            return closed
        }
    }

    private mutating func succeed(_ event: LoginEvent, _ touched: inout [Pattern: Finding.Phase]) {
        guard let entry = accounts.entry(event.account) else { return }
        let failures = entry.inARow
        let isRecent = event.at - entry.lastAt <= configuration.guessWindow
        accounts.endRow(event.account)
        guard failures >= configuration.guessFailures, isRecent else { return }
        let from = event.address.isEmpty ? "" : " from \(event.address)"
        let time = FigureText.time(event.at, day: now)
        note(
            .success, name: event.account, value: Double(failures), at: event.at,
            "\(event.account) logged in\(from) at \(time) after \(failures) failures in a row.", &touched)
    }

    private mutating func fail(_ event: LoginEvent, _ touched: inout [Pattern: Finding.Phase]) {
        let window = configuration.burstWindow
        // Whom a source does not name is nobody in particular: many such failures are no one's burst.
        if !event.account.isEmpty {
            let byAccount = accounts.fail(event.account, peer: event.address, at: event.at, window: window)
            judgeBurst(event.account, byAccount, at: event.at, &touched)
        }
        guard !event.address.isEmpty else { return }
        let byAddress = addresses.fail(event.address, peer: event.account, at: event.at, window: window)
        judgeBurst(event.address, byAddress, at: event.at, &touched)
        let perAccount = Double(byAddress.failures) / Double(max(1, byAddress.peers.count))
        guard byAddress.peers.count >= configuration.sprayAccounts, perAccount <= configuration.sprayFailuresEach else {
            return
        }
        let since = FigureText.time(byAddress.firstAt, day: now)
        let count =
            byAddress.peers.count == LoginTable.peersMax ? "\(LoginTable.peersMax) or more" : "\(byAddress.peers.count)"
        note(
            .spray, name: event.address, value: Double(byAddress.peers.count), at: event.at,
            "\(event.address) failed on \(count) accounts, \(FigureText.figure(perAccount)) times each, since \(since).",
            &touched)
    }

    private mutating func judgeBurst(
        _ name: String, _ entry: LoginTable.Entry, at time: Timestamp, _ touched: inout [Pattern: Finding.Phase]
    ) {
        let recent = entry.recent
        guard recent >= configuration.burstFailures else { return }
        let window = FigureText.duration(configuration.burstWindow)
        note(
            .burst, name: name, value: Double(recent), at: time, "\(recent) failed logins of \(name) within \(window).",
            &touched)
    }

    private mutating func note(
        _ pattern: Pattern, name: String, value: Double, at time: Timestamp, _ sentence: String,
        _ touched: inout [Pattern: Finding.Phase]
    ) {
        let key = pattern.rawValue
        let isNew = standing[key] == nil
        var found =
            standing[key] ?? StandingFinding(onsetAt: time, lastAt: time, worst: 0, names: [:], sentence: sentence)
        found.lastAt = max(found.lastAt, time)
        if value >= found.worst { found.sentence = sentence }
        found.worst = max(found.worst, value)
        if found.names[name] != nil || found.names.count < Self.namesMax {
            found.names[name] = max(value, found.names[name] ?? 0)
        }
        standing[key] = found
        if touched[pattern] != .opened { touched[pattern] = isNew ? .opened : .ongoing }
    }

    /// Whom a finding names at most.
    static let namesMax = 32
}
