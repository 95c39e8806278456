import Signals
import Telemetry

/// What each contributor did in a check's window, kept only while there is something to tell: since the first breach
/// for ratios and means, since its last event for counts.
///
/// At most `SignalPoint.contributionsMax` contributors, the worst first to come.
struct ContributorShares: Sendable, Codable, Hashable {
    private struct Share: Sendable, Codable, Hashable {
        var sum: Double
        var volume: Double
        var atMillis: Int64
    }

    private var byName: [String: Share] = [:]

    /// Whether nobody has a share.
    var isEmpty: Bool { byName.isEmpty }

    /// Bytes outside of the value itself.
    var heapBytes: Int { byName.reduce(0) { $0 + $1.key.utf8.count + MemoryLayout<Share>.stride + 16 } }

    /// Takes a point's contributions.
    mutating func take(_ point: SignalPoint, check: Check, isIdle: Bool) {
        switch WindowKind(check.signal) {
        case .point: return
        case .weighted:
            guard check.window > .zero else { return }
            if isIdle {
                if !byName.isEmpty { byName = [:] }
                return
            }
            // An average that forgets over the window: exact windows would cost a ring for each contributor.
            let kept = max(0, 1 - point.step.inSeconds / check.window.inSeconds)
            for name in byName.keys {
                byName[name]?.sum *= kept
                byName[name]?.volume *= kept
            }
            for contribution in point.contributions {
                add(contribution, weight: contribution.volume, at: point.at)
            }
        case .sum:
            if !byName.isEmpty {
                let horizon = (point.at - max(check.window, point.step)).millis
                byName = byName.filter { $0.value.atMillis > horizon }
            }
            for contribution in point.contributions where contribution.value > 0 {
                add(contribution, weight: 1, at: point.at)
            }
        }
    }

    private mutating func add(_ contribution: Contribution, weight: Double, at: Timestamp) {
        guard byName[contribution.contributor] != nil || byName.count < SignalPoint.contributionsMax else { return }
        let share = byName[contribution.contributor] ?? Share(sum: 0, volume: 0, atMillis: 0)
        byName[contribution.contributor] = Share(
            sum: share.sum + contribution.value * weight, volume: share.volume + weight, atMillis: at.millis)
    }

    /// The contributors' own values over the window, worst first; the point's own where there is no window.
    func contributions(of point: SignalPoint, check: Check) -> [Contribution] {
        let kind = WindowKind(check.signal)
        guard kind != .point, check.window > .zero || kind == .sum, !byName.isEmpty else { return point.contributions }
        let own = byName.compactMap { name, share -> Contribution? in
            guard share.volume > 0 else { return nil }
            let value = kind == .sum ? share.sum : share.sum / share.volume
            return Contribution(contributor: name, value: value, volume: kind == .sum ? 0 : share.volume)
        }
        return own.sorted { left, right in
            if left.value != right.value {
                return check.direction == .above ? left.value > right.value : left.value < right.value
            }
            if left.volume != right.volume { return left.volume > right.volume }
            return left.contributor < right.contributor
        }
    }
}

extension Check {
    /// How many of the contributors are in breach themselves; of counts, how many had an event.
    func affected(_ contributions: [Contribution]) -> Int {
        let isCount = WindowKind(signal) == .sum
        return contributions.count { isCount ? $0.value > 0 : isBreach($0.value) }
    }
}
