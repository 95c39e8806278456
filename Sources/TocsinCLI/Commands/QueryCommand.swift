import ArgumentParser
import GRPCCore
import QueryWire
import SwiftProtobuf
import Telemetry
import TocsinProto

/// `tocsin query`.
struct QueryCommand: CoordinatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Samples of series.",
        discussion: #"""
            SELECTOR is name{label="v",label!="v",label=~"re",label!~"re"}, for example \
            'jvm_memory_used_bytes{area="heap",namespace="oddsmaker"}'.
            """#)

    /// Most points that one answer may have; beyond it the query is to be narrowed.
    static let pointsMax = 2_000_000

    @Argument(help: "Which series.")
    var selector: String

    @Option(help: ArgumentHelp("How far back.", valueName: "duration"))
    var since = DurationArgument(duration: .seconds(3600))

    @Option(
        help: ArgumentHelp("Distance between two points; without it the samples as they came.", valueName: "duration"))
    var step: DurationArgument?

    @Flag(help: "Draw each series.")
    var plot = false

    @Flag(help: "Write each point.")
    var points = false

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if plot, points { throw ValidationError("--plot and --points exclude each other") }
        do throws(QueryError) {
            _ = try SeriesSelector(selector)
        } catch {
            throw ValidationError(error.message)
        }
    }

    func run() async throws {
        let now = Console.now()
        let request = Tocsin_V1_QuerySamplesRequest.with {
            $0.selector = selector
            $0.fromMillis = (now - since.duration).millis
            $0.toMillis = now.millis
            $0.stepMillis = step.map { UInt64($0.duration.wholeMilliseconds) } ?? 0
        }
        let series = try await call { client, options in
            try await client.querySamples(request, options: options) { response in
                var assembly = SeriesAssembly(pointsMax: Self.pointsMax)
                for try await part in response.messages { try assembly.add(SeriesView(part)) }
                return assembly.series
            }
        }
        answer(SeriesReport(series: series, detail: plot ? .plot : points ? .points : .summary))
    }
}

/// Puts the parts of series together, in the order in which the series first came.
struct SeriesAssembly: Sendable {
    /// Most points in all.
    let pointsMax: Int
    private(set) var series: [SeriesView] = []
    private var positions: [Series: Int] = [:]
    private var points = 0

    init(pointsMax: Int) {
        self.pointsMax = pointsMax
    }

    mutating func add(_ part: SeriesView) throws(CommandError) {
        points += part.values.count
        guard points <= pointsMax else {
            throw CommandError(.failed, "more than \(pointsMax) points: narrow the selector, --since or --step")
        }
        if let position = positions[part.series] {
            series[position].append(part)
        } else {
            positions[part.series] = series.count
            series.append(part)
        }
    }
}
