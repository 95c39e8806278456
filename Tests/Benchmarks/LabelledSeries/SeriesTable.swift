package import Foundation
package import Telemetry

/// One file of recorded series: a row a moment, the first column its time, each further column one series.
package struct SeriesTable: Sendable {
    /// What is wrong with a file.
    package struct Failure: Error, CustomStringConvertible {
        /// File, row and reason.
        package var description: String
    }

    /// One column.
    package struct Column: Sendable {
        /// Its name in the header.
        package var name: String
        /// A value a row; NaN where the cell is empty or no number.
        package var values: [Double]
    }

    /// Time of each row.
    package var times: [Timestamp]
    /// The series.
    package var columns: [Column]

    /// Rows without a clock, known only by number, are taken to be this far apart.
    package static let stepWithoutClock = Duration.seconds(300)

    /// Reads a file whose first column is `YYYY-MM-DD HH:MM:SS` (UTC), seconds since 1970, or the row's number.
    package init(file: URL) throws {
        let text = try String(contentsOf: file, encoding: .utf8)
        // Bytes, since characters cost ten times as much.
        var lines = text.utf8.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }[...]
        guard let header = lines.popFirst() else { throw Failure(description: "\(file.path): empty") }
        let names = Self.cells(header)
        columns = names.dropFirst().map { Column(name: String($0), values: []) }
        times = []
        let hasClock = names.first != "index"
        for (row, line) in lines.enumerated() {
            let cells = Self.cells(line)
            guard cells.count == names.count, let time = Self.time(cells[0], hasClock: hasClock) else {
                throw Failure(description: "\(file.path):\(row + 2): a time and \(names.count - 1) values expected")
            }
            times.append(time)
            for index in columns.indices { columns[index].values.append(Self.number(cells[index + 1])) }
        }
    }

    private static func cells(_ line: Substring.UTF8View) -> [Substring] {
        line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { Substring($0) }
    }

    private static func number(_ cell: Substring) -> Double {
        Double(cell) ?? Double(cell.filter { !$0.isWhitespace }) ?? .nan
    }

    private static func time(_ cell: Substring, hasClock: Bool) -> Timestamp? {
        if let number = Double(cell) {
            return Timestamp(seconds: hasClock ? number : number * stepWithoutClock.inSeconds)
        }
        return Self.moment(cell)
    }

    /// `2014-02-14 14:30:00`, with or without a fraction, which is dropped.
    static func moment(_ text: some StringProtocol) -> Timestamp? {
        let numbers = text.prefix(19).split { !$0.isNumber }.compactMap { Int64($0) }
        guard numbers.count == 6 else { return nil }
        // Days since 1970 from the civil date, years beginning in March, so that a leap day is a year's last.
        let year = numbers[1] <= 2 ? numbers[0] - 1 : numbers[0]
        let month = (numbers[1] + 9) % 12
        let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + numbers[2] - 719_469
        let seconds = days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        return Timestamp(millis: seconds * 1000)
    }

    /// All `.csv` files below a folder, as paths relative to it, ascending.
    package static func paths(in folder: URL) throws -> [String] {
        guard let all = FileManager.default.enumerator(atPath: folder.path) else {
            throw Failure(description: "\(folder.path): no such folder")
        }
        return all.compactMap { $0 as? String }.filter { $0.hasSuffix(".csv") }.sorted()
    }
}
