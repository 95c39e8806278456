import Telemetry

extension SignalEngine {
    /// Settings and limits of the engine.
    package struct Configuration: Sendable, Hashable {
        /// Length of a cell: the probes' interval.
        ///
        /// At least 1 s; shorter ones are taken as 1 s.
        package var step: Duration
        /// A contributor that is silent for more than this many cells has ended; until then it is missing.
        ///
        /// At least 1.
        package var silentStepsMax: Int
        /// A sample further ahead of the engine's time than this is taken as of now and counted.
        package var futureMax: Duration
        /// A sample further behind the engine's time than this is refused and counted.
        ///
        /// It belongs to history.
        package var pastMax: Duration
        /// An edge further behind than this is refused and counted.
        package var edgeAgeMax: Duration
        /// What was silent for this long is forgotten, baselines of counters included.
        package var forgetAfter: Duration
        /// Subjects; more are refused and counted.
        package var subjectsMax: Int
        /// Contributors of one sort of one subject; more are refused and counted.
        package var contributorsMax: Int
        /// Series that signals read; more are refused and counted.
        package var seriesMax: Int
        /// Finite bounds of one contributor's buckets; samples of more are refused and counted.
        package var bucketsMax: Int
        /// Agents whose OOM counters are followed from their start; counters of more begin with their second value.
        package var agentsMax: Int
        /// Samples that wait for their cell; more are refused and counted.
        package var pendingMax: Int

        /// Makes a configuration.
        package init(
            step: Duration = .seconds(10), silentStepsMax: Int = 5, futureMax: Duration = .seconds(60),
            pastMax: Duration = .seconds(300), edgeAgeMax: Duration = .seconds(3600),
            forgetAfter: Duration = .seconds(1800), subjectsMax: Int = 10_000, contributorsMax: Int = 1_000,
            seriesMax: Int = 200_000, bucketsMax: Int = 128, agentsMax: Int = 10_000, pendingMax: Int = 1_000_000
        ) {
            self.step = step
            self.silentStepsMax = silentStepsMax
            self.futureMax = futureMax
            self.pastMax = pastMax
            self.edgeAgeMax = edgeAgeMax
            self.forgetAfter = forgetAfter
            self.subjectsMax = subjectsMax
            self.contributorsMax = contributorsMax
            self.seriesMax = seriesMax
            self.bucketsMax = bucketsMax
            self.agentsMax = agentsMax
            self.pendingMax = pendingMax
        }
    }

    /// What the engine took, refused and holds; the totals only rise.
    package struct Statistics: Sendable, Hashable {
        /// Samples given.
        package var samples = 0
        /// Samples of series that no signal reads.
        package var ignored = 0
        /// Samples and edges from ahead of time, taken as of now.
        package var clamped = 0
        /// Samples and edges refused as too old.
        package var tooOld = 0
        /// Samples not newer than the last one of their series.
        package var repeated = 0
        /// Samples taken after their cell had closed; counters lose nothing by it, gauges their value in that cell.
        package var late = 0
        /// Counter samples that are negative or no number.
        package var invalid = 0
        /// Samples and edges refused because of a limit.
        package var refused = 0
        /// Those of them that were of one subject too many.
        package var subjectsRefused = 0
        /// Those of them that were of a bucket with one bound too many.
        package var bucketsRefused = 0
        /// Counters that fell.
        package var resets = 0
        /// Applications that started anew.
        package var processRestarts = 0
        /// Points given out.
        package var points = 0
        /// Subjects now.
        package var subjects = 0
        /// Contributors now.
        package var contributors = 0
        /// Series now.
        package var series = 0
        /// Agents now whose counters are followed.
        package var agents = 0
        /// Samples that wait for their cell now.
        package var pending = 0

        /// Makes zeros.
        package init() {}
    }

    /// Ages of samples and edges in milliseconds, as each of them asks.
    struct TimeLimits: Sendable {
        let future: Int64
        let past: Int64
        let edgeAge: Int64

        init(_ configuration: Configuration) {
            future = configuration.futureMax.wholeMilliseconds
            past = configuration.pastMax.wholeMilliseconds
            edgeAge = configuration.edgeAgeMax.wholeMilliseconds
        }
    }
}
