import SQLiteFile
package import Selectors
package import Telemetry

/// What stands for the samples of one step.
package enum StepFunction: String, Sendable, CaseIterable {
    /// The last sample at or before the moment, if it is less than `staleAfter` old; a stale marker ends it at once.
    case last
    /// The mean of the samples of the step, each counted once.
    case mean
    /// The least sample of the step.
    case min
    /// The greatest sample of the step.
    case max
    /// What a counter rose by in the step, from sample to sample; a fall is a restart at zero, and the steps add up to
    /// the whole.
    ///
    /// Nothing is extrapolated to the ends of the step. The rise since a sample before the step counts in it.
    case increase
    /// `increase` by the second, over the length of the step.
    case rate
}

/// What a query asks for.
package struct SampleQuery: Sendable {
    /// Which series.
    package var selector: SeriesSelector
    /// First moment, included.
    package var from: Timestamp
    /// Last moment, included.
    package var to: Timestamp
    /// Nil: the samples as they are.
    ///
    /// Else one value at `from`, `from + step`, … up to `to`, each for the step that ends there: its start excluded,
    /// its end included. A step about which there is nothing to say is left out.
    package var step: Duration?
    /// What stands for a step.
    package var function = StepFunction.last
    /// How long a sample speaks for what follows it.
    ///
    /// Default 5 minutes, as in Prometheus.
    package var staleAfter: Duration = .seconds(300)
    /// Whose series; nil for those of all agents.
    package var agents: AgentChoice?
    /// Most series of an answer.
    ///
    /// Default 50,000.
    package var seriesMax = 50_000
    /// Samples held at once.
    ///
    /// Default 4,194,304: what has just come of all series of a fleet of 40,000.
    package var samplesMax = 1 << 22

    /// Some agents, or all but some.
    package enum AgentChoice: Hashable, Sendable {
        /// These alone.
        case only(Set<AgentName>)
        /// All others.
        case except(Set<AgentName>)

        func includes(_ name: AgentName) -> Bool {
            switch self {
            case .only(let names): names.contains(name)
            case .except(let names): !names.contains(name)
            }
        }
    }

    /// Makes a query.
    package init(
        selector: SeriesSelector, from: Timestamp, to: Timestamp, step: Duration? = nil, function: StepFunction = .last
    ) {
        self.selector = selector
        self.from = from
        self.to = to
        self.step = step
        self.function = function
    }

    /// Most steps of an answer.
    package static let stepsMax = 100_000

    /// Far enough from the ends of `Int64` that no sum below can overflow.
    private static let millisMax: Int64 = 1 << 53

    /// The first moment that matters to an answer.
    var dataFrom: Int64 {
        guard let step else { return from.millis }
        return (function == .last ? from - staleAfter : from - staleAfter - step).millis
    }

    func check() throws(StoreError) {
        guard from <= to else { throw StoreError(.invalid, "the range ends before it begins") }
        guard from.millis >= -Self.millisMax, to.millis <= Self.millisMax else {
            throw StoreError(.invalid, "the range reaches beyond all calendars")
        }
        guard let step else {
            guard function == .last else { throw StoreError(.invalid, "\(function.rawValue) needs a step") }
            return
        }
        guard step >= .milliseconds(1), step <= .milliseconds(Self.millisMax) else {
            throw StoreError(.invalid, "the step is shorter than a millisecond or longer than all calendars")
        }
        guard (to - from).wholeMilliseconds / step.wholeMilliseconds < Self.stepsMax else {
            throw StoreError(.tooLarge, "more than \(Self.stepsMax) steps: choose a longer step")
        }
    }
}

/// One series of an answer, or a further part of one: parts of a series come in order of time.
package struct SeriesChunk: Sendable, Equatable {
    /// The cluster it was seen in.
    package var cluster: String
    /// The series.
    package var series: Series
    /// Times, ascending.
    package var timestamps: [Timestamp]
    /// Values, one a time; a raw answer holds stale markers as they are.
    package var values: [Double]
}

/// What a query read.
package struct QueryReport: Sendable, Equatable {
    /// A stretch of time of which samples are missing: what held them is damaged, or they never came.
    package struct Gap: Sendable, Hashable {
        /// The agent's cluster.
        package var cluster: String
        /// The agent's node.
        package var node: String
        /// Start.
        package var from: Timestamp
        /// End.
        package var to: Timestamp
        /// Why.
        package var reason: String
    }

    /// Gaps that are told apart.
    static let gapsMax = 100

    /// Frames decoded.
    package var frames = 0
    /// Chunks decoded.
    package var chunks = 0
    /// Frames and chunks that could not be read or decoded.
    package var damaged = 0
    /// The first 100 gaps of the agents that the answer is about.
    package var gaps: [Gap] = []
    /// Series in the answer.
    package var series = 0
    /// Values handed out.
    package var values = 0
}
