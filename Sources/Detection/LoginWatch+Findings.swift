package import Signals
import Telemetry

extension LoginWatch {
    /// Limits and windows.
    package struct Configuration: Sendable, Hashable, Codable {
        /// So many failures of one account or address within `burstWindow` are a burst.
        package var burstFailures: Int
        /// The short window.
        package var burstWindow: Duration
        /// A success after so many failures in a row is suspicious.
        package var guessFailures: Int
        /// If the last of them was not longer ago than this.
        package var guessWindow: Duration
        /// Failures on so many accounts from one address are spraying; at most 32.
        package var sprayAccounts: Int
        /// If no account had more than this on average: more is one person's forgotten password, or a burst.
        package var sprayFailuresEach: Double
        /// The long window.
        package var sprayWindow: Duration
        /// A finding closes when nothing was added to it for this long.
        package var quietAfter: Duration
        /// Accounts that are followed at once.
        package var accountsMax: Int
        /// Addresses that are followed at once.
        package var addressesMax: Int

        /// Makes a configuration.
        package init(
            burstFailures: Int = 20, burstWindow: Duration = .seconds(300), guessFailures: Int = 8,
            guessWindow: Duration = .seconds(900), sprayAccounts: Int = 10, sprayFailuresEach: Double = 4,
            sprayWindow: Duration = .seconds(86_400), quietAfter: Duration = .seconds(1800), accountsMax: Int = 512,
            addressesMax: Int = 512
        ) {
            self.burstFailures = burstFailures
            self.burstWindow = burstWindow
            self.guessFailures = guessFailures
            self.guessWindow = guessWindow
            self.sprayAccounts = min(sprayAccounts, LoginTable.peersMax)
            self.sprayFailuresEach = sprayFailuresEach
            self.sprayWindow = sprayWindow
            self.quietAfter = quietAfter
            self.accountsMax = accountsMax
            self.addressesMax = addressesMax
        }
    }

    /// The sequences that are looked for.
    package enum Pattern: String, Sendable, Codable, CaseIterable {
        case burst = "login-failures"
        case success = "login-after-failures"
        case spray = "login-spray"
    }

    /// The state for a snapshot.
    package struct Snapshot: Sendable, Codable, Hashable {
        var subject: Subject
        var now: Timestamp
        var accounts: LoginTable
        var addresses: LoginTable
        var standing: [String: StandingFinding]
    }

    /// The state now.
    package var snapshot: Snapshot {
        Snapshot(subject: subject, now: now, accounts: accounts, addresses: addresses, standing: standing)
    }

    /// Puts a snapshot in place of all state; one of another subject is passed over.
    package mutating func restore(_ snapshot: Snapshot) {
        guard snapshot.subject == subject else { return }
        now = snapshot.now
        accounts = snapshot.accounts
        addresses = snapshot.addresses
        standing = snapshot.standing
    }

    /// The check that a pattern's findings name, for the severity table; its value counts failures or accounts.
    package func check(_ pattern: Pattern) -> Check {
        let (title, level) =
            switch pattern {
            case .burst: ("Many failed logins", configuration.burstFailures)
            case .success: ("Login after many failures", configuration.guessFailures)
            case .spray: ("Logins tried on many accounts", configuration.sprayAccounts)
            }
        return Check(
            name: pattern.rawValue, group: "login-abuse", family: .security, title: title,
            signal: pattern == .spray ? Self.accountsSignal : Self.failuresSignal, direction: .above,
            enter: Double(level), leave: Double(level), holdFor: .zero, leaveFor: configuration.quietAfter)
    }

    /// Failed logins of one account or address.
    package static let failuresSignal = SignalName(rawValue: "login_failures")
    /// Accounts that one address failed on.
    package static let accountsSignal = SignalName(rawValue: "login_accounts")

    func finding(_ pattern: Pattern, _ phase: Finding.Phase) -> Finding? {
        guard let found = standing[pattern.rawValue] else { return nil }
        let names = found.names.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let quiet = FigureText.duration(now - found.lastAt)
        let check = check(pattern)
        return Finding(
            subject: subject, check: check, phase: phase, at: phase == .closed ? now : found.lastAt,
            onsetAt: found.onsetAt, value: found.worst, worstValue: found.worst, threshold: check.enter,
            volume: 0, affected: phase == .closed ? 0 : names.count, total: names.count,
            coverage: Coverage(present: 1, expected: 1),
            contributors: names.prefix(ThresholdDetector.contributorsMax).map {
                Contribution(contributor: $0.key, value: $0.value)
            }, explanation: phase == .closed ? "Nothing more for \(quiet). Last: \(found.sentence)" : found.sentence)
    }
}
