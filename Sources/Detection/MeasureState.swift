import Signals
import Telemetry

/// What a measure remembers between cells.
enum MeasureState: Sendable, Codable, Hashable {
    case lowVolume(RatioWindow)
    case burn(long: RatioWindow, short: RatioWindow)
    case growth(GrowthWatch)
    case baseline(Aside<BaselineModel>)
    case shift(Aside<ShiftModel>)
    case surprise(Aside<SurpriseWatch>)
    case quantile(QuantileWindow)
}

/// A value that lies beside its owner and not in it, so that owners without one stay small.
struct Aside<Value: Sendable & Codable & Hashable>: Sendable, Codable, Hashable {
    private var only: [Value]

    init(_ value: Value) { only = [value] }

    init(from decoder: any Decoder) throws { only = [try Value(from: decoder)] }

    func encode(to encoder: any Encoder) throws { try only[0].encode(to: encoder) }

    var value: Value { only[0] }

    /// Changes it in place.
    mutating func change<Result>(_ body: (inout Value) -> Result) -> Result { body(&only[0]) }
}

/// What a measure saw beside its value: the numbers of its sentence.
indirect enum Reading: Sendable, Codable, Hashable {
    case lowVolume(errors: Double, requests: Double, seconds: Double)
    case burn(long: Double, short: Double)
    case growth(GrowthReading)
    case usual(UsualReading)
    case quantile(QuantileReading)
    /// The last cells of a window, which prove a recovery; how many and how long they are.
    case recent(cells: Int, seconds: Double)
}

extension ThresholdDetector {
    /// Judges by another measure than the plain one.
    mutating func judgeMeasure(_ point: SignalPoint) -> Judgement? {
        switch check.measure {
        case .signal: return judgeQuantile(point)
        case .burnRate(let budget): return judgeBurn(point, budget)
        case .timeToExhaustion(let rule): return judgeGrowth(point, rule)
        case .deviation(let rule): return judgeDeviation(point, rule)
        case .shift(let rule): return judgeShift(point, rule)
        case .surprise(let rule): return judgeSurprise(point, rule)
        }
    }

    // Each takes the state out while it changes, so that its arrays are changed in place.

    func judgement(_ value: Double, _ point: SignalPoint, volume: Double, _ reading: Reading?) -> Judgement {
        let allowsClosing = point.coverage.allowsClosing
        return Judgement(
            value: value, volume: volume, isBreach: check.isBreach(value),
            isRecovery: check.isRecovery(value) && allowsClosing,
            isUncertain: check.isRecovery(value) && !allowsClosing, coverage: point.coverage, reading: reading)
    }

    // MARK: Burn rate

    private mutating func judgeBurn(_ point: SignalPoint, _ budget: BurnRate) -> Judgement? {
        var long = RatioWindow()
        var short = RatioWindow()
        if case .burn(let knownLong, let knownShort)? = measured { (long, short) = (knownLong, knownShort) }
        measured = nil
        defer { measured = .burn(long: long, short: short) }
        guard let (errors, events) = Cell(point).errorsAndEvents else { return nil }
        let end = point.at.millis
        long.add(errors: errors, events: events, at: end, span: budget.long.wholeMilliseconds, buckets: 24)
        short.add(errors: errors, events: events, at: end, span: budget.short.wholeMilliseconds, buckets: 10)
        let allowed = max(1e-9, 1 - budget.objective)
        let (inLong, inShort) = (long.totals, short.totals)
        let burnLong = inLong.events > 0 ? inLong.errors / inLong.events / allowed : 0
        let burnShort = inShort.events > 0 ? inShort.errors / inShort.events / allowed : 0
        let reading = Reading.burn(long: burnLong, short: burnShort)
        var judgement = judgement(min(burnLong, burnShort), point, volume: inLong.events, reading)
        if judgement.isBreach, inLong.events < check.minimumVolume { judgement.isBreach = false }
        return judgement
    }

    // MARK: Leaks

    private mutating func judgeGrowth(_ point: SignalPoint, _ rule: Exhaustion) -> Judgement? {
        var watch = GrowthWatch()
        if case .growth(let known)? = measured { watch = known }
        measured = nil
        defer { measured = .growth(watch) }
        guard let (value, reading) = watch.take(point, rule: rule) else { return nil }
        return judgement(value, point, volume: 0, reading.map(Reading.growth))
    }

    // MARK: Adaptive

    private mutating func judgeDeviation(_ point: SignalPoint, _ rule: Baseline) -> Judgement? {
        var model: Aside<BaselineModel>
        if case .baseline(let known)? = measured { model = known } else { model = Aside(BaselineModel()) }
        measured = nil
        defer { measured = .baseline(model) }
        guard let value = usable(point) else { return nil }
        let verdict = model.change { $0.take(value, at: point.at, step: point.step, smoothing: check.window) }
        guard let (score, reading) = verdict else { return nil }
        var judgement = judgement(rule.side.distance(score), point, volume: point.volume, .usual(reading))
        if !rule.isEnough(reading) { judgement.isBreach = false }
        return judgement
    }

    private mutating func judgeShift(_ point: SignalPoint, _ rule: LevelShift) -> Judgement? {
        var model: Aside<ShiftModel>
        if case .shift(let known)? = measured { model = known } else { model = Aside(ShiftModel()) }
        measured = nil
        defer { measured = .shift(model) }
        guard let value = usable(point), let (score, reading) = model.change({ $0.take(value, at: point.at) }) else {
            return nil
        }
        var judgement = judgement(rule.side.distance(score), point, volume: point.volume, .usual(reading))
        if reading.factor < rule.minimumRatio { judgement.isBreach = false }
        return judgement
    }

    private mutating func judgeSurprise(_ point: SignalPoint, _ rule: Baseline) -> Judgement? {
        var watch: Aside<SurpriseWatch>
        if case .surprise(let known)? = measured { watch = known } else { watch = Aside(SurpriseWatch()) }
        measured = nil
        defer { measured = .surprise(watch) }
        guard let value = usable(point) else { return nil }
        let weight = tuning.kind == .weighted ? point.volume : 1
        let verdict = watch.change {
            $0.take(point, value: value, weight: weight, rule: rule, enter: check.enter)
        }
        guard let (score, reading) = verdict else { return nil }
        var judgement = judgement(score, point, volume: point.volume, .usual(reading))
        if !rule.isEnough(reading) { judgement.isBreach = false }
        return judgement
    }

    /// What adaptive measures learn from: values at full coverage, since a missing part looks like a change.
    func usable(_ point: SignalPoint) -> Double? {
        guard let value = point.value, value.isFinite, point.coverage.allowsClosing else { return nil }
        return check.minimumVolume > 0 && point.volume < check.minimumVolume ? nil : value
    }

    // MARK: Low volume

    /// Puts the exact test in place of the plain verdict while the window has less than the minimum volume.
    mutating func judgeLowVolume(_ point: SignalPoint, otherwise plain: Judgement?) -> Judgement? {
        guard let test = check.lowVolume, tuning.isErrorRatio else { return plain }
        var ratios = RatioWindow()
        if case .lowVolume(let known)? = measured { ratios = known }
        measured = nil
        defer { measured = .lowVolume(ratios) }
        guard let (errors, events) = Cell(point).errorsAndEvents else { return plain }
        let span = tuning.lowVolumeMillis
        ratios.add(errors: errors, events: events, at: point.at.millis, span: span, buckets: 24)
        if isOpen {
            let millis = point.isOfPart ? 0 : point.step.wholeMilliseconds
            ratios.noteRun(errors: errors, events: events, millis: millis, isWhole: point.coverage.allowsClosing)
        }
        if phase == .idle, errors == 0 { return plain.map(proven) }
        if let plain, isEnough(plain) || plain.reading != nil { return plain }
        guard let (all, isProven) = proof(ratios, test, at: point.at.millis, span: span) else { return plain }
        let ratio = all.errors / all.events
        let isBreach = ratio >= check.enter && isProven
        let isRunProven = isEndProven(ratios, at: point.at.millis, width: max(1, span / 24))
        let isOver = !isBreach || isRunProven || isOver(ratios, at: point.at.millis, span: span)
        return Judgement(
            value: ratio, volume: all.events, isBreach: isBreach,
            isRecovery: isOver && point.coverage.allowsClosing, isUncertain: isOver && !point.coverage.allowsClosing,
            coverage: point.coverage, isEarly: isOver, isRunProven: isRunProven ? true : nil,
            reading: .lowVolume(errors: all.errors, requests: all.events, seconds: all.seconds))
    }

    /// Adds a cell that breaches nothing.
    mutating func noteRequests(_ cell: Cell, span: Int64) {
        guard let (errors, events) = cell.errorsAndEvents else { return }
        var ratios = RatioWindow()
        if case .lowVolume(let known)? = measured { ratios = known }
        measured = nil
        ratios.add(errors: errors, events: events, at: cell.at.millis, span: span, buckets: 24)
        measured = .lowVolume(ratios)
    }

    /// A ratio's verdict, its breach taken back where it may be chance.
    func proven(_ plain: Judgement) -> Judgement {
        guard plain.isBreach, !isOpen, !isEnough(plain) else { return plain }
        var plain = plain
        plain.isBreach = false
        return plain
    }

    /// Whether the window has events enough to be judged by its ratio: a breach must be more than chance at `leave`.
    private func isEnough(_ plain: Judgement) -> Bool {
        guard plain.volume >= check.minimumVolume else { return false }
        guard plain.isBreach, plain.isEarly != true else { return true }
        return BinomialTail.atLeast(plain.value * plain.volume, of: plain.volume, share: check.leave) <= 0.001
    }

    /// The shortest of the last 5, 10, 20 minutes (of an hour) and the whole window that proves a breach, else the
    /// whole.
    private func proof(
        _ ratios: RatioWindow, _ test: LowVolume, at millis: Int64, span: Int64
    ) -> (all: (errors: Double, events: Double, seconds: Double), isProven: Bool)? {
        let width = max(1, span / 24)
        let whole = ratios.totals
        guard whole.events > 0 else { return nil }
        // Four looks share the chance of a false one.
        let chance = (1 - test.confidence) / 4
        for buckets in [Int64(2), 4, 8] {
            let (errors, events) = ratios.totals(since: millis - buckets * width, width: width)
            guard errors > 0, errors / events >= check.enter else { continue }
            if BinomialTail.atLeast(errors, of: events, share: check.enter) <= chance {
                return ((errors, events, Double(buckets * width) / 1000), true)
            }
        }
        let isProven =
            whole.errors >= test.enoughErrors
            || BinomialTail.atLeast(whole.errors, of: whole.events, share: check.enter) <= chance
        return ((whole.errors, whole.events, Double(span) / 1000), isProven)
    }

    /// Five good requests and no bad one in ten minutes, or no request at all in half the window.
    private func isOver(_ ratios: RatioWindow, at millis: Int64, span: Int64) -> Bool {
        let width = max(1, span / 24)
        let last = ratios.totals(since: millis - 600_000, width: width)
        if last.errors > 0 { return false }
        return last.events >= 5 || ratios.totals(since: millis - span / 2, width: width).events == 0
    }

    /// Whether a run of good requests is too long to be chance if half of what failed before still did (0.1 %).
    ///
    /// That are 10 requests after a fault in which all failed, 25 after one of a half, 135 after one of a tenth.
    /// `leaveFor` runs from the first of them, so that ten minutes without an error are always asked for.
    ///
    /// What failed before is the least that failed in the last 5, 10, 20, 60 minutes of the fault up to the last error,
    /// so that a fault which has become less is not taken for one that is over.
    private func isEndProven(_ ratios: RatioWindow, at millis: Int64, width: Int64) -> Bool {
        let run = Double(ratios.goodRun)
        guard run > 0, let onset = onsetAt?.millis else { return false }
        var least = 1.0
        for buckets in [Int64(2), 4, 8, 24] {
            // Buckets that end after the onset's: what was before it would make the fault look less.
            let since = max(millis - buckets * width, onset)
            let (errors, events) = ratios.totals(since: since, width: width)
            if errors > 0 { least = min(least, errors / max(errors, events - run)) }
        }
        return BinomialTail.none(of: run, share: max(least / 2, check.leave)) <= 0.001
    }

    // MARK: Findings

    func affected(_ contributions: [Contribution], _ point: SignalPoint, _ judgement: Judgement) -> Int {
        switch check.measure {
        case .signal: return check.affected(contributions)
        case .burnRate(let budget):
            return contributions.count { $0.value >= (1 - budget.objective) * check.enter }
        case .timeToExhaustion: return judgement.reading == nil ? 0 : 1
        case .deviation, .shift, .surprise: return judgement.isRecovery ? 0 : point.coverage.expected
        }
    }
}

extension Baseline.Side {
    /// Spreads on the side that counts; what is on the other side is no distance.
    func distance(_ score: Double) -> Double {
        switch self {
        case .up: max(0, score)
        case .down: max(0, -score)
        case .both: abs(score)
        }
    }
}

extension UsualReading {
    /// By what factor value and usual differ, at least 1.
    var factor: Double {
        let (low, high) = (min(value, usual), max(value, usual))
        return low > 0 ? high / low : high > 0 ? .infinity : 1
    }
}

extension Explanation {
    /// The sentence of a measure that has its own; nil for the plain one.
    var readingSentence: String? {
        switch reading {
        case nil, .recent?, .quantile?: return nil
        case .lowVolume(let errors, let requests, let seconds)?:
            let window = FigureText.duration(.seconds(seconds))
            let numbers = "\(FigureText.figure(errors.rounded())) of \(FigureText.figure(requests.rounded())) requests"
            let limit = FigureText.value(check.enter, of: check.signal)
            let bound = "too many to be chance at \(limit)"
            return "\(numbers) failed in the last \(window), \(bound), since \(time(onset)) (\(scope)\(coverageNote))."
        case .burn(let long, let short)?:
            guard case .burnRate(let budget) = check.measure else { return nil }
            let windows =
                "\(text(long)) over \(FigureText.duration(budget.long)) and \(text(short)) over "
                + FigureText.duration(budget.short)
            let objective = "\(FigureText.figure(budget.objective * 100)) %"
            return
                "The error budget of \(objective) burns at \(windows), limit \(text(check.enter)), since \(time(onset))."
        case .growth(let growth)?: return sentence(growth)
        case .usual(let usual)?: return sentence(usual)
        }
    }

    private func sentence(_ growth: GrowthReading) -> String {
        func share(_ value: Double) -> String { FigureText.value(value, of: check.signal) }
        let title = SignalWords(check.signal).title
        let range = "\(FigureText.coarse(growth.secondsLow)) to \(FigureText.coarse(growth.secondsHigh))"
        let over = FigureText.coarse(growth.overSeconds)
        return "\(title) of \(growth.contributor) at \(share(growth.level)) grows by \(share(growth.perHour)) an hour "
            + "(over \(over)) and is full in \(FigureText.coarse(growth.seconds)) (98 %: \(range))."
    }

    private func sentence(_ usual: UsualReading) -> String {
        func figure(_ value: Double) -> String { FigureText.value(value, of: check.signal) }
        let title = SignalWords(check.signal).title
        if case .shift = check.measure {
            let way = usual.value < usual.usual ? "fell" : "rose"
            return "\(title) \(way) from \(figure(usual.usual)) to \(figure(usual.value)) within a quarter of an hour, "
                + "\(FigureText.figure(value)) times its usual spread, since \(time(onset))\(coverageNote)."
        }
        if case .surprise = check.measure {
            return "\(title) \(figure(usual.value)) over five minutes, expected \(figure(usual.usual)): its course is "
                + "\(FigureText.figure(value)) times as odd as what is told of, since \(time(onset))\(coverageNote)."
        }
        return "\(title) \(figure(usual.value)), usual at this hour \(figure(usual.usual)): "
            + "\(FigureText.figure(value)) times the usual spread away, since \(time(onset))\(coverageNote)."
    }
}
