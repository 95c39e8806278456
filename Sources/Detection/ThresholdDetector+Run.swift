import Signals
import Telemetry

/// Since when what a window tells has been so: a window of minutes proves a change long after it came.
///
/// Proof and time are two things. A breach or a recovery counts when the cells prove it; `holdFor` and `leaveFor` run
/// from the cell in which it began, which is the change point of the window's cells. No run reaches over a cell of
/// which nothing is known.
extension ThresholdDetector {
    /// End of the first cell of the run that breaches, by the grid; the point's own where its window tells no more.
    func breachStart(_ point: SignalPoint) -> Timestamp {
        guard check.direction == .above, check.holdFor > .zero else { return point.at }
        if case .quantile(let slow)? = measured, let share = check.signal.quantileShare {
            return start(of: slow.breachRun(allowed: 1 - share), millis: slow.bucketMillis, point)
        }
        guard check.measure == .signal else { return point.at }
        let cells = window.breachRun(over: check.enter, at: point.at, step: point.step, tuning: tuning)
        return start(of: cells, millis: point.step.wholeMilliseconds, point)
    }

    /// Whether the cells since the onset are beyond `enter` on the whole, though the last ones prove it no more.
    func isBeyondSinceOnset(_ point: SignalPoint) -> Bool {
        guard let cells = cellsSinceOnset(point, millis: point.step.wholeMilliseconds) else { return false }
        let excess = window.excess(
            ofLast: cells, over: check.enter, at: point.at, step: point.step, tuning: tuning)
        return excess ?? 0 > 0
    }

    /// How many cells lie behind that of the onset; nil when nothing pends.
    func cellsSinceOnset(_ point: SignalPoint, millis: Int64) -> Int? {
        guard phase == .pending, let onsetEnd else { return nil }
        return Int((point.at - onsetEnd).wholeMilliseconds / max(1, millis))
    }

    /// End of the first cell of the recovery that a point proves, by the grid.
    func recoveryStart(_ point: SignalPoint, _ judgement: Judgement) -> Timestamp {
        guard check.direction == .above else { return point.at }
        if case .lowVolume? = judgement.reading {
            guard judgement.isRunProven == true, case .lowVolume(let ratios)? = measured else { return point.at }
            return after(point.at - .milliseconds(max(0, ratios.goodMillis - point.step.wholeMilliseconds)), point)
        }
        if case .quantile(let slow)? = measured, let share = check.signal.quantileShare {
            return start(of: slow.recoveryRun(allowed: 1 - share), millis: slow.bucketMillis, point)
        }
        guard check.measure == .signal else { return point.at }
        let cells = window.recoveryRun(
            below: check.leave, enter: check.enter, at: point.at, step: point.step, tuning: tuning)
        return start(of: cells, millis: point.step.wholeMilliseconds, point)
    }

    /// The end of the cell that lies so many buckets back.
    private func start(of buckets: Int?, millis: Int64, _ point: SignalPoint) -> Timestamp {
        guard let buckets, buckets > 0 else { return point.at }
        // A part of a cell lies before the cell's end.
        let end = point.isOfPart ? ((point.at.millis - 1) / millis + 1) * millis : point.at.millis
        return after(Timestamp(millis: end - Int64(buckets) * millis), point)
    }

    private func after(_ start: Timestamp, _ point: SignalPoint) -> Timestamp {
        guard let unknownAt else { return min(start, point.at) }
        return min(max(start, unknownAt + point.step), point.at)
    }
}
