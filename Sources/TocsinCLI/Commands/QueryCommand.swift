import ArgumentParser
import GRPCCore
import QueryWire
import Selectors
import SwiftProtobuf
import Telemetry
import TocsinProto

/// `tocsin query`.
struct QueryCommand: CoordinatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Samples of series.",
        discussion: #"""
            SELECTOR is name{label="v",label!="v",label=~"re",label!~"re"}, for example \
            'jvm_memory_used_bytes{area="heap",namespace="oddsmaker"}'. With --step each point stands for the step that \
            ends there.
            """#)

    /// Most points that one answer may have; beyond it the query is to be narrowed.
    static let pointsMax = 2_000_000

    @Argument(help: "Which series.")
    var selector: String

    @Option(help: ArgumentHelp("How far back (default: 1h).", valueName: "duration"))
    var since: DurationArgument?

    @Option(
        help: ArgumentHelp(
            "Until this moment and not until now; without --since and --step each series' value then.",
            valueName: "time"))
    var at: TimeArgument?

    @Option(
        help: ArgumentHelp("Distance between two points; without it the samples as they came.", valueName: "duration"))
    var step: DurationArgument?

    @Option(help: "What stands for a step: last, mean, min, max, or of counters rate or increase.")
    var function = SampleFunction.last

    @Flag(help: "Draw each series.")
    var plot = false

    @Flag(help: "Write each point.")
    var points = false

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if function != .last, step == nil { throw ValidationError("--function \(function.rawValue) needs --step") }
        if plot, points { throw ValidationError("--plot and --points exclude each other") }
        do throws(SelectorError) {
            _ = try SeriesSelector(selector)
        } catch {
            throw ValidationError("selector, \(error)")
        }
    }

    func run() async throws {
        let request = request(now: Console.now())
        let (series, gaps) = try await call { client, options in
            try await client.querySamples(request, options: options) { response in
                var assembly = SeriesAssembly(pointsMax: Self.pointsMax)
                var gaps: [SampleGapView] = []
                for try await part in response.messages {
                    gaps += part.gaps.map { SampleGapView($0) }
                    if !part.metric.isEmpty { try assembly.add(SeriesView(part)) }
                }
                return (assembly.series, gaps)
            }
        }
        for gap in gaps {
            Console.standard.complain(
                "samples of \(gap.node) from \(TimeText.rfc3339(gap.from)) to \(TimeText.rfc3339(gap.to)) are missing: "
                    + gap.reason)
        }
        answer(SeriesReport(series: series, detail: plot ? .plot : points ? .points : .summary))
    }

    /// What is asked for; with a moment alone the step is the one that ends there.
    func request(now: Timestamp) -> Tocsin_V1_QuerySamplesRequest {
        let end = at?.time(now: now) ?? now
        let isInstant = at != nil && since == nil && step == nil
        let start = isInstant ? end : end - (since?.duration ?? .seconds(3600))
        return .with {
            $0.selector = selector
            $0.fromMillis = start.millis
            $0.toMillis = end.millis
            $0.stepMillis = isInstant ? 1000 : step.map { UInt64($0.duration.wholeMilliseconds) } ?? 0
            $0.function = function.rawValue
        }
    }
}

/// What stands for a step.
enum SampleFunction: String, ExpressibleByArgument, CaseIterable, Sendable {
    case last
    case mean
    case min
    case max
    case rate
    case increase
}

/// Puts the parts of series together, in the order in which the series first came.
struct SeriesAssembly: Sendable {
    /// Most points in all.
    let pointsMax: Int
    private(set) var series: [SeriesView] = []
    private var positions: [String: [Series: Int]] = [:]
    private var points = 0

    init(pointsMax: Int) {
        self.pointsMax = pointsMax
    }

    mutating func add(_ part: SeriesView) throws(CommandError) {
        points += part.values.count
        guard points <= pointsMax else {
            throw CommandError(.failed, "more than \(pointsMax) points: narrow the selector, --since or --step")
        }
        if let position = positions[part.cluster]?[part.series] {
            series[position].append(part)
        } else {
            positions[part.cluster, default: [:]][part.series] = series.count
            series.append(part)
        }
    }
}
