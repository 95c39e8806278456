/// Aligned columns, two spaces apart.
///
/// On a terminal too narrow for it the `flexible` columns are cut, the widest first.
struct Table {
    /// A column.
    struct Column {
        var title: String
        var isRight = false
        /// Whether it may be cut, down to `flexibleMin` characters.
        var isFlexible = false
    }

    /// One piece of a row.
    struct Cell {
        var text: String
        var style = Style.plain

        init(_ text: String, _ style: Style = .plain) {
            // What a target said may hold escape sequences; a terminal must never see them.
            self.text = Printable.line(text)
            self.style = style
        }
    }

    /// Least width of a column that is cut.
    static let flexibleMin = 12

    var columns: [Column]
    var rows: [[Cell]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row, which must have a cell for each column.
    mutating func add(_ cells: [Cell]) {
        precondition(cells.count == columns.count, "\(cells.count) cells for \(columns.count) columns")
        rows.append(cells)
    }

    /// The table as lines, each ending in a newline, each `indent` spaces in.
    func render(_ context: RenderContext, indent: Int = 0) -> String {
        let widths = fittedWidths(to: context.width.map { $0 - indent })
        let header = columns.map { Cell($0.title, .bold) }
        return ([header] + rows).map { row in
            String(repeating: " ", count: indent) + line(row, widths: widths, context: context) + "\n"
        }.joined()
    }

    private func line(_ row: [Cell], widths: [Int], context: RenderContext) -> String {
        var text = ""
        var padding = 0
        for (index, cell) in row.enumerated() {
            let shown = Self.cut(cell.text, to: widths[index])
            let missing = widths[index] - shown.count
            let before = columns[index].isRight ? missing : 0
            // Padding is written only when something follows, so that no line ends in spaces.
            if !shown.isEmpty {
                text += String(repeating: " ", count: padding + before) + context.styled(shown, cell.style)
                padding = missing - before + 2
            } else {
                padding += widths[index] + 2
            }
        }
        return text
    }

    private func fittedWidths(to limit: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.map { $0[index].text.count }.reduce(columns[index].title.count, max)
        }
        guard let limit else { return widths }
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - limit
        while excess > 0 {
            let cuttable = columns.indices.filter { columns[$0].isFlexible && widths[$0] > Self.flexibleMin }
            guard let widest = cuttable.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : text.prefix(width - 1) + "…"
    }
}

/// Foreign text made fit for a terminal.
enum Printable {
    /// Control characters, line ends and direction overrides become spaces.
    static func line(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .lineSeparator, .paragraphSeparator: " "
                    case .format
                    where (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value): " "
                    default: scalar
                    }
                }))
    }
}
