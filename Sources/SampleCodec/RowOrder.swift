/// The rows of a block by series, each series' rows in their own order: a counting sort.
struct RowOrder {
    private let starts: [Int]
    private let sorted: [UInt32]

    /// Precondition: each row names a series below `seriesCount`.
    init(rows: [Int], seriesCount: Int) {
        var next = [Int](repeating: 0, count: seriesCount + 1)
        for row in rows { next[row + 1] += 1 }
        for series in 0..<seriesCount { next[series + 1] += next[series] }
        starts = next
        var sorted = [UInt32](repeating: 0, count: rows.count)
        for (position, row) in rows.enumerated() {
            sorted[next[row]] = UInt32(position)
            next[row] += 1
        }
        self.sorted = sorted
    }

    func rows(of series: Int) -> ArraySlice<UInt32> {
        sorted[starts[series]..<starts[series + 1]]
    }
}

/// The byte that says how the values of one series are written.
enum ValueEncoding {
    /// XOR with the bits before.
    static let bits: UInt8 = 0

    static func byte(exponent: Int?) -> UInt8 {
        exponent.map { UInt8($0 + 1) } ?? bits
    }
}
