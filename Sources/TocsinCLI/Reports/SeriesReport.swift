import QueryWire
import Telemetry

/// `tocsin query`.
struct SeriesReport: Report {
    /// What a table shows of each series.
    enum Detail: Sendable {
        /// One line: last value, range, trend.
        case summary
        /// All points.
        case points
        /// A plot.
        case plot
    }

    var series: [SeriesView]
    var detail: Detail

    /// Characters of a trend in a table.
    static let trendWidth = 24

    var value: OutputValue {
        .array(
            series.map { view in
                let labels = view.series.labels.labels.map { OutputValue.Entry(key: $0.name, value: .string($0.value)) }
                let points = zip(view.timestamps, view.values).map { OutputValue.array([.time($0), .number($1)]) }
                return [
                    "cluster": .string(view.cluster), "metric": .string(view.series.metric), "labels": .object(labels),
                    "points": .array(points),
                ]
            })
    }

    func table(_ context: RenderContext) -> String {
        guard !series.isEmpty else { return "No series.\n" }
        switch detail {
        case .summary: return summary(context)
        case .points: return series.map { points($0, context) }.joined(separator: "\n")
        case .plot:
            return series.map {
                heading($0, context) + Plot.render(Array(zip($0.timestamps, $0.values)), context: context)
            }.joined(separator: "\n")
        }
    }

    private func summary(_ context: RenderContext) -> String {
        var table = Table([
            .init(title: "LAST", isRight: true), .init(title: "AT"), .init(title: "MIN", isRight: true),
            .init(title: "MAX", isRight: true), .init(title: "POINTS", isRight: true), .init(title: "TREND"),
            .init(title: "SERIES", isFlexible: true),
        ])
        for view in series {
            let finite = view.values.filter(\.isFinite)
            table.add([
                .init(view.values.last.map(NumberText.value) ?? "-", .bold), .init(context.age(view.timestamps.last)),
                .init(finite.min().map(NumberText.value) ?? "-"), .init(finite.max().map(NumberText.value) ?? "-"),
                .init("\(view.values.count)"), .init(Sparkline.render(view.values, width: Self.trendWidth)),
                .init(view.series.description),
            ])
        }
        return table.render(context)
    }

    private func points(_ view: SeriesView, _ context: RenderContext) -> String {
        heading(view, context)
            + zip(view.timestamps, view.values).map { time, value in
                let local = TimeText.local(time, now: context.now, zone: context.zone)
                return "  \(local)  \(value.isNaN ? "-" : OutputValue.number(value).scalar)\n"
            }.joined()
    }

    private func heading(_ view: SeriesView, _ context: RenderContext) -> String {
        context.styled(Printable.line(view.series.description), .bold) + "\n"
    }
}
