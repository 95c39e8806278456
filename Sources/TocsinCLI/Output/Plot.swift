import Telemetry

/// A series drawn as bars over time, with its scale on the left and its times below.
enum Plot {
    /// Rows of a plot.
    static let rows = 8

    /// Draws points on an even grid between the first and the last time; a column without a point stays empty.
    static func render(_ points: [(Timestamp, Double)], context: RenderContext) -> String {
        let finite = points.filter { $0.1.isFinite }
        guard let first = finite.first?.0, let last = finite.last?.0 else { return "  no points\n" }
        let low = finite.map(\.1).min() ?? 0
        let high = finite.map(\.1).max() ?? 0
        let labels = (top: NumberText.value(high), bottom: NumberText.value(low))
        let margin = max(labels.top.count, labels.bottom.count)
        let width = max(20, min(context.width ?? 80, 160) - margin - 3)
        let columns = gridded(finite, first: first, last: last, width: width)
        var text = ""
        for row in (0..<rows).reversed() {
            let label = row == rows - 1 ? labels.top : row == 0 ? labels.bottom : ""
            text += String(repeating: " ", count: margin - label.count) + label + " ┤"
            text += trimmedEnd(String(columns.map { cell($0, row: row, low: low, high: high) })) + "\n"
        }
        let from = TimeText.local(first, now: context.now, zone: context.zone)
        let to = TimeText.local(last, now: context.now, zone: context.zone)
        let gap = max(1, columns.count - from.count - to.count)
        text += String(repeating: " ", count: margin + 2) + from + String(repeating: " ", count: gap) + to + "\n"
        return text
    }

    private static func gridded(
        _ points: [(Timestamp, Double)], first: Timestamp, last: Timestamp, width: Int
    ) -> [Double?] {
        let span = (last - first).inSeconds
        guard span > 0 else { return [points.map(\.1).max()] }
        let count = min(width, max(points.count, 2))
        var columns = [Double?](repeating: nil, count: count)
        for (time, value) in points {
            let index = min(count - 1, Int((time - first).inSeconds / span * Double(count - 1) + 0.5))
            columns[index] = max(columns[index] ?? value, value)
        }
        return columns
    }

    private static func cell(_ value: Double?, row: Int, low: Double, high: Double) -> Character {
        guard let value else { return " " }
        let steps = Sparkline.bars.count
        let filled = Sparkline.level(value, low: low, high: high, steps: rows * steps) + 1 - row * steps
        return filled <= 0 ? " " : Sparkline.bars[min(filled, steps) - 1]
    }

    private static func trimmedEnd(_ text: String) -> String {
        var rest = text[...]
        while rest.last == " " { rest = rest.dropLast() }
        return String(rest)
    }
}
