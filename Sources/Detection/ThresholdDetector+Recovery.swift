import Signals
import Telemetry

extension ThresholdDetector {
    /// Calls a recovery what the last cells of a ratio or mean prove to be one, although the window still holds what
    /// was before.
    ///
    /// Without it a window of minutes keeps a finding open that nothing feeds any more. The recovery must hold for
    /// `leaveFor` as any other; a last cell that breaches is none.
    func judgeRecovery(_ point: SignalPoint, _ judgement: inout Judgement) {
        guard check.direction == .above, tuning.isWeightedByEvents, point.coverage.allowsClosing,
            !judgement.isRecovery
        else { return }
        let recent = window.recent(at: point.at, step: point.step, tuning: tuning)
        guard let newest = recent.first, !check.isBreach(newest.value.value),
            let proof = recent.last(where: check.provesRecovery)
        else { return }
        judgement.value = proof.value.value
        judgement.volume = proof.value.volume
        judgement.isBreach = false
        judgement.isRecovery = true
        judgement.isUncertain = false
        judgement.reading = .recent(cells: proof.cells, seconds: Double(proof.cells) * point.step.inSeconds)
    }

    /// Drops what was before a recovery, so that it opens nothing again and no later onset reaches back to it.
    mutating func forget(before start: Timestamp, _ point: SignalPoint, _ proof: Reading?) {
        let past = (point.at - start).wholeMilliseconds
        if case .quantile(var slow)? = measured {
            measured = nil
            slow.keep(last: Int(past / max(1, slow.bucketMillis)) + 1)
            measured = .quantile(slow)
        }
        // The hour still holds what was before: one more error would open it again.
        switch (proof, measured) {
        case (.lowVolume?, _), (.recent?, .lowVolume?): measured = nil
        default: break
        }
        guard tuning.kind == .weighted else { return }
        window.keep(last: Int(past / max(1, point.step.wholeMilliseconds)) + 1, step: point.step)
    }
}

extension Check {
    /// Whether some cells alone prove that a breach of a windowed ratio or mean is over: the mirror of `provesAlone`.
    ///
    /// - A ratio: so few errors would be less likely than 1 % if it were at `leave` (the exact binomial tail).
    /// - A mean: three cells or more at no more than half of `leave`.
    func provesRecovery(_ recent: RecentValue) -> Bool {
        let value = recent.value
        guard isRecovery(value.value), value.volume >= min(minimumVolume / 5, 20) else { return false }
        guard signal == .errorRatio else { return recent.cells >= 3 && value.value <= leave / 2 }
        let errors = (value.value * value.volume).rounded()
        return 1 - BinomialTail.atLeast(errors + 1, of: value.volume, share: leave) <= 0.01
    }
}
