import LogText
import Probing
import Telemetry

/// Finds logins in logs that rules name, and counts them by whose log it is.
///
/// Lives inside the probe; each log uses it in turn. Accounts and addresses are taken from lines before secrets are
/// taken out of these, and nothing else of such a line.
final class LoginCollector {
    /// Logs' owners with logins of their own; logins of more are counted alone.
    static let ownersMax = 32
    /// Edges of one look, shared evenly by the owners; further logins are counted alone.
    static let edgesMax = 1000
    /// What patterns may cost in one log in one look, in steps of `CapturePattern`, some twenty thousand lines of sshd;
    /// lines beyond it are counted.
    static let stepsPerLookMax = 20_000_000

    /// Where logins are looked for: a log, or one unit of a journal.
    struct Source {
        var matcher: LoginMatcher
        var owner: LogOwner
        /// Of its edges.
        var labels: LabelSet
    }

    /// Lines that may have told of a login and were not read, since the work was too much.
    private(set) var unread: UInt64 = 0
    /// Logins of owners beyond `ownersMax`.
    private(set) var leftOut: UInt64 = 0

    private let rules: [LogProbe.LoginRule]
    private let node: LabelSet
    /// By the rules that apply.
    private var matchers: [[Int]: LoginMatcher] = [:]
    private var counts: [LogOwner: LoginCounts] = [:]
    private var edges: [LogOwner: [Edge]] = [:]
    private var now = Timestamp(millis: 0)
    private var steps = 0

    init(_ rules: [LogProbe.LoginRule], node: String) {
        self.rules = rules
        self.node = [LabelName.node: node]
    }

    /// What is looked for in a log; nil when no rule names it.
    func source(_ owner: LogOwner, in file: LogFile) -> Source? {
        let meant = rules.indices.filter { rules[$0].applies(owner.labels, file.name) }
        guard !meant.isEmpty else { return nil }
        let matcher = matchers[meant] ?? LoginMatcher(meant.flatMap { rules[$0].patterns })
        matchers[meant] = matcher
        return Source(matcher: matcher, owner: owner, labels: node.merging(owner.labels).merging(file.place))
    }

    /// Begins a look.
    func begin(at time: Timestamp) {
        now = time
        edges = [:]
    }

    /// Begins a log in a look.
    func beginLog() { steps = Self.stepsPerLookMax }

    /// Looks at the text of one entry.
    ///
    /// - Parameter at: when it was written, where the log says so; it is asked only where there is a login.
    func take(_ text: UnsafeRawBufferPointer, of source: Source, at: () -> Timestamp?) {
        switch source.matcher.find(in: text, steps: &steps) {
        case .nothing: return
        case .exhausted: unread += 1
        case .login(let login): add(login, of: source, at: min(at() ?? now, now))
        }
    }

    private func add(_ login: LoggedLogin, of source: Source, at time: Timestamp) {
        guard counts[source.owner] != nil || counts.count < Self.ownersMax else {
            leftOut += UInt64(login.count)
            return
        }
        let owners = counts[source.owner] == nil ? counts.count + 1 : counts.count
        let record = LoginRecord(
            key: "", at: time.seconds, account: login.account, address: LoginRecord.plain(login.address),
            isSuccess: login.isSuccess)
        counts[source.owner, default: LoginCounts()].take(
            record, count: login.count, labels: source.labels, edges: &edges[source.owner, default: []],
            edgesMax: Self.edgesMax / owners)
    }

    /// The edges of the look, in the order of time.
    func takeEdges() -> [Edge] {
        defer { edges = [:] }
        // Two pods of one workload write one after another what happened side by side.
        return edges.values.joined().enumerated()
            .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }

    /// The counters of all owners.
    func samples(at time: Timestamp) -> [Sample] {
        counts.flatMap { owner, counts in
            counts.values.map { series, value in
                Sample(
                    Series(series.metric, node.merging(owner.labels).merging(series.labels)), time, value)
            }
        }
    }
}
