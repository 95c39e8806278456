package import Telemetry

/// Counts who fails and who succeeds to log in, and makes the edges of a look: pure, in bounded memory.
package struct LoginCounts: Sendable {
    /// Accounts and addresses that are followed.
    package static let trackedMax = 512
    /// Accounts and addresses that have series, those that fail most.
    package static let reportedMax = 20

    /// Logins that failed.
    package private(set) var failures: UInt64 = 0
    /// Logins that succeeded.
    package private(set) var successes: UInt64 = 0
    /// Logins for which there was no edge.
    package private(set) var unreported: UInt64 = 0
    private var accounts = HeavyHitters(capacity: Self.trackedMax)
    private var addresses = HeavyHitters(capacity: Self.trackedMax)

    /// Makes counts of nothing.
    package init() {}

    /// Counts logins that are alike, and adds an edge for them, or adds them to the last edge when that is alike too.
    ///
    /// - Parameter edgesMax: with so many edges they are counted alone.
    package mutating func take(
        _ record: LoginRecord, count: Int = 1, labels: LabelSet, edges: inout [Edge], edgesMax: Int
    ) {
        let logins = UInt64(max(1, count))
        if record.isSuccess {
            successes += logins
        } else {
            failures += logins
            accounts.add(record.account, count: logins)
            if !record.address.isEmpty { addresses.add(record.address, count: logins) }
        }
        let kind: Edge.Kind = record.isSuccess ? .loginSucceeded : .loginFailed
        let attributes: LabelSet = ["account": record.account, "address": record.address]
        let at = Timestamp(seconds: record.at)
        if let index = edges.indices.last, edges[index].kind == kind, edges[index].attributes == attributes,
            edges[index].labels == labels
        {
            edges[index].count += Int(logins)
            edges[index].at = at
        } else if edges.count < edgesMax {
            var edge = Edge(kind, at: at, labels: labels, attributes: attributes)
            edge.count = Int(logins)
            edges.append(edge)
        } else {
            unreported += logins
        }
    }

    /// The counters since the start, without identity labels.
    package var values: [(series: Series, value: Double)] {
        var values: [(series: Series, value: Double)] = [
            (Series("login_failures_total"), Double(failures)), (Series("login_successes_total"), Double(successes)),
            (Series("login_events_unreported_total"), Double(unreported)),
            (Series("login_tracking_error_max"), Double(max(accounts.errorMax, addresses.errorMax))),
        ]
        for entry in accounts.top(Self.reportedMax) where !entry.key.isEmpty {
            values.append((Series("login_account_failures_total", ["account": entry.key]), Double(entry.certain)))
        }
        for entry in addresses.top(Self.reportedMax) {
            values.append((Series("login_address_failures_total", ["address": entry.key]), Double(entry.certain)))
        }
        return values
    }
}
