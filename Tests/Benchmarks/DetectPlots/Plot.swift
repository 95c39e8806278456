import Foundation

/// A line over time with a level and marks, as SVG.
struct Plot {
    /// Something that happened.
    struct Mark {
        var x: Double
        var text: String
        var isFault: Bool
    }

    var title: String
    /// Nil where there was no value.
    var values: [(x: Double, y: Double?)]
    var level: (y: Double, text: String)?
    var marks: [Mark]
    /// Writes a value of the vertical axis.
    var format: (Double) -> String
    /// Length of the horizontal axis, in words.
    var span: String

    private static let size = (width: 640.0, height: 190.0)
    private static let area = (left: 58.0, right: 628.0, top: 28.0, bottom: 156.0)

    /// The picture.
    var svg: String {
        let area = Self.area
        let known = values.compactMap(\.y)
        let top = max(known.max() ?? 1, level?.y ?? 0) * 1.05
        let first = values.first?.x ?? 0
        let length = max(1e-9, (values.last?.x ?? 1) - first)
        func x(_ value: Double) -> String { Self.text(area.left + (value - first) / length * (area.right - area.left)) }
        func y(_ value: Double) -> String { Self.text(area.bottom - value / top * (area.bottom - area.top)) }
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 190\" font-family=\"sans-serif\" font-size=\"11\">",
            "<rect width=\"640\" height=\"190\" fill=\"#fff\"/>",
            "<text x=\"58\" y=\"16\" fill=\"#222\">\(Self.escaped(title))</text>",
        ]
        for share in [0, 0.5, 1] {
            let value = top / 1.05 * share
            lines.append(Self.line(Self.text(area.left), y(value), Self.text(area.right), y(value), "#ddd"))
            lines.append("<text x=\"4\" y=\"\(y(value))\" fill=\"#666\">\(format(value))</text>")
        }
        if let level {
            lines.append(Self.line(Self.text(area.left), y(level.y), Self.text(area.right), y(level.y), "#a00", "6 3"))
            lines.append("<text x=\"62\" y=\"\(y(level.y * 0.93))\" fill=\"#a00\">\(Self.escaped(level.text))</text>")
        }
        for piece in values.split(whereSeparator: { $0.y == nil }) where piece.count > 1 {
            let points = piece.map { "\(x($0.x)),\(y($0.y ?? 0))" }.joined(separator: " ")
            lines.append("<polyline points=\"\(points)\" fill=\"none\" stroke=\"#246\" stroke-width=\"1.2\"/>")
        }
        for (index, mark) in marks.sorted(by: { $0.x < $1.x }).enumerated() {
            let colour = mark.isFault ? "#c60" : "#080"
            lines.append(
                Self.line(x(mark.x), Self.text(area.top), x(mark.x), Self.text(area.bottom), colour, "3 3"))
            let isLate = (mark.x - first) / length > 0.8
            let anchor = isLate ? " text-anchor=\"end\"" : ""
            let below = Self.text(area.bottom + 12 + Double(index % 2) * 12)
            lines.append("<text x=\"\(x(mark.x))\" y=\"\(below)\" fill=\"\(colour)\"\(anchor)>\(mark.text)</text>")
        }
        lines.append("<text x=\"628\" y=\"16\" fill=\"#666\" text-anchor=\"end\">\(Self.escaped(span))</text>")
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    private static func line(
        _ x1: String, _ y1: String, _ x2: String, _ y2: String, _ colour: String, _ dashes: String? = nil
    ) -> String {
        let dash = dashes.map { " stroke-dasharray=\"\($0)\"" } ?? ""
        return "<line x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" stroke=\"\(colour)\"\(dash)/>"
    }

    private static func text(_ value: Double) -> String { String(format: "%.1f", value) }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }
}
