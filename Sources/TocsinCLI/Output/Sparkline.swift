/// A row of bars, one character a point, from the lowest to the highest value.
enum Sparkline {
    static let bars = Array("▁▂▃▄▅▆▇█")

    /// Draws values in at most `width` characters.
    ///
    /// NaN, infinities and nil are gaps and drawn as spaces.
    ///
    /// With more values than characters each character shows the maximum of its share, so that no spike is lost. A flat
    /// line is drawn at the bottom.
    static func render(_ values: [Double?], width: Int) -> String {
        let buckets = bucketed(values, width: width)
        let present = buckets.compactMap { $0 }
        guard let low = present.min(), let high = present.max() else {
            return String(repeating: " ", count: buckets.count)
        }
        return String(
            buckets.map { value in
                guard let value else { return " " }
                return bars[level(value, low: low, high: high, steps: bars.count)]
            })
    }

    /// The maximum of each of at most `width` equal shares; nil for a share without a finite value.
    static func bucketed(_ values: [Double?], width: Int) -> [Double?] {
        let width = max(1, width)
        let finite = values.map { $0.flatMap { $0.isFinite ? $0 : nil } }
        guard finite.count > width else { return finite }
        return (0..<width).map { index in
            finite[index * finite.count / width..<(index + 1) * finite.count / width].compactMap { $0 }.max()
        }
    }

    /// Which of `steps` levels, from 0, a value between `low` and `high` falls in.
    static func level(_ value: Double, low: Double, high: Double, steps: Int) -> Int {
        let span = high - low
        guard span > 0, span.isFinite else { return 0 }
        return min(steps - 1, max(0, Int((value - low) / span * Double(steps))))
    }
}
