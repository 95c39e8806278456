import Telemetry

/// A sample of a known series.
struct SamplePoint: Sendable, Equatable {
    var time: Int64
    var value: Double
}

/// Reads a series step by step, in order of time.
struct StepWalker {
    private let function: StepFunction
    private let to: Int64
    private let step: Int64
    private let staleAfter: Int64
    private var next: Int64
    /// The sample before: what `last` repeats and a rise is counted from.
    private var previous: SamplePoint?
    private var window = Window()

    /// What is known of the step at hand.
    private struct Window {
        var count = 0
        var sum = 0.0
        var least = Double.infinity
        var greatest = -Double.infinity
        var hasNaN = false
        var rises = 0
        var increase = 0.0
    }

    init(_ query: SampleQuery, step: Duration) {
        function = query.function
        to = query.to.millis
        self.step = step.wholeMilliseconds
        staleAfter = query.staleAfter.wholeMilliseconds
        next = query.from.millis
    }

    /// Takes the next sample; the moments before it are settled.
    mutating func take(_ point: SamplePoint, _ output: inout [SamplePoint]) {
        settle(before: point.time, &output)
        if next <= to, point.time > next - step, !StaleMarker.matches(point.value) { note(point) }
        previous = point
    }

    /// Settles the moments that are left.
    mutating func finish(_ output: inout [SamplePoint]) {
        settle(before: to + 1, &output)
    }

    private mutating func note(_ point: SamplePoint) {
        window.count += 1
        window.sum += point.value
        if point.value.isNaN { window.hasNaN = true }
        window.least = min(window.least, point.value)
        window.greatest = max(window.greatest, point.value)
        guard let previous, !previous.value.isNaN, point.time - previous.time < staleAfter else { return }
        window.rises += 1
        // A counter that fell was started again at zero.
        window.increase += point.value >= previous.value ? point.value - previous.value : point.value
    }

    private mutating func settle(before time: Int64, _ output: inout [SamplePoint]) {
        while next < time, next <= to {
            guard let value = function == .last ? lastValue : windowValue else {
                skip(before: time)
                continue
            }
            output.append(SamplePoint(time: next, value: value))
            advance(by: 1)
        }
    }

    /// Nothing more comes before `time`: goes on to the first moment that can have a value again.
    private mutating func skip(before time: Int64) {
        advance(by: max(1, (min(time, to + 1) - next + step - 1) / step))
    }

    private mutating func advance(by steps: Int64) {
        next += steps * step
        window = Window()
    }

    private var lastValue: Double? {
        guard let previous, !StaleMarker.matches(previous.value), next - previous.time < staleAfter else { return nil }
        return previous.value
    }

    private var windowValue: Double? {
        guard window.count > 0 else { return nil }
        switch function {
        case .last: return lastValue
        case .mean: return window.sum / Double(window.count)
        case .min: return window.hasNaN ? .nan : window.least
        case .max: return window.hasNaN ? .nan : window.greatest
        case .increase: return window.rises > 0 ? window.increase : nil
        case .rate: return window.rises > 0 ? window.increase / (Double(step) / 1000) : nil
        }
    }
}
