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

    /// Drops what was before a recovery that the last cells proved, so that it opens nothing again.
    mutating func forget(before proof: Reading?) {
        if case .quantile(let reading)? = proof, let buckets = reading.provenBy, case .quantile(var slow)? = measured {
            measured = nil
            slow.keep(last: buckets)
            measured = .quantile(slow)
        }
        // The hour still holds what was before: one more error would open it again.
        if case .lowVolume? = proof { measured = nil }
        guard case .recent(let cells, _)? = proof else { return }
        window.keep(last: cells)
        if case .lowVolume? = measured { measured = nil }
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
