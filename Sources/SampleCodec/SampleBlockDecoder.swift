package import Telemetry

/// Reads sample blocks; the format is `proto/SAMPLE_BLOCK.md`.
///
/// Bytes from disk or network never trap: whatever is wrong is an error with offset and sizes, and no memory is taken
/// before the counts that ask for it passed the limits.
package enum SampleBlockDecoder {
    /// The samples of a block, in the order they were written.
    package static func decode(
        _ bytes: [UInt8], limits: SampleBlockLimits = .default
    ) throws(SampleBlockError) -> [Sample] {
        try bytes.withUnsafeBufferPointer { (buffer) throws(SampleBlockError) in
            let header = try SampleBlockHeader.read(buffer, limits: limits)
            let end = SampleBlockHeader.size + header.payloadBytes
            let payload = UnsafeBufferPointer(rebasing: buffer[SampleBlockHeader.size..<end])
            guard header.isDeflated else {
                return try samples(in: payload, header: header, limits: limits)
            }
            let body = try Deflate.decompress(payload, size: header.bodyBytes)
            return try body.withUnsafeBufferPointer { (inflated) throws(SampleBlockError) in
                try samples(in: inflated, header: header, limits: limits)
            }
        }
    }

    private static func samples(
        in body: UnsafeBufferPointer<UInt8>, header: SampleBlockHeader, limits: SampleBlockLimits
    ) throws(SampleBlockError) -> [Sample] {
        var reader = ByteReader(body)
        let strings = try readStrings(&reader, count: header.stringCount, limits: limits)
        let series = try readSeries(&reader, strings: strings, header: header, limits: limits)
        let rows = try readSeriesColumn(&reader, header: header)
        let times = try readTimes(&reader, header: header)
        let values = try readValues(&reader, rows: rows, seriesCount: series.count)
        guard reader.remaining == 0 else {
            throw SampleBlockError(
                .malformed, "bytes after the last column", offset: reader.offset, found: UInt64(reader.remaining))
        }
        var samples: [Sample] = []
        samples.reserveCapacity(rows.count)
        for row in rows.indices {
            samples.append(Sample(series[rows[row]], Timestamp(millis: times[row]), values[row]))
        }
        return samples
    }

    private static func readStrings(
        _ reader: inout ByteReader, count: Int, limits: SampleBlockLimits
    ) throws(SampleBlockError) -> [String] {
        var lengths: [Int] = []
        lengths.reserveCapacity(count)
        for _ in 0..<count {
            lengths.append(try reader.varint(atMost: limits.stringBytes, "string too long", .limitExceeded))
        }
        var strings: [String] = []
        strings.reserveCapacity(count)
        for length in lengths {
            let start = reader.offset
            guard let string = String(validating: try reader.take(length), as: UTF8.self) else {
                throw SampleBlockError(.malformed, "string is not UTF-8", offset: start, found: UInt64(length))
            }
            strings.append(string)
        }
        return strings
    }

    private static func readSeries(
        _ reader: inout ByteReader, strings: [String], header: SampleBlockHeader, limits: SampleBlockLimits
    ) throws(SampleBlockError) -> [Series] {
        var series: [Series] = []
        series.reserveCapacity(header.seriesCount)
        var labelsLeft = header.labelCount
        for _ in 0..<header.seriesCount {
            let metric = try readString(&reader, strings)
            let start = reader.offset
            let count = try reader.varint(
                atMost: limits.labelsPerSeries, "too many labels in one series", .limitExceeded)
            guard count <= labelsLeft else {
                throw SampleBlockError(
                    .malformed, "more labels than the header gives", offset: start, found: UInt64(count),
                    expected: UInt64(labelsLeft))
            }
            labelsLeft -= count
            series.append(Series(metric, try readLabels(&reader, strings, count: count)))
        }
        guard labelsLeft == 0 else {
            throw SampleBlockError(
                .malformed, "fewer labels than the header gives", offset: reader.offset, found: UInt64(labelsLeft))
        }
        return series
    }

    private static func readLabels(
        _ reader: inout ByteReader, _ strings: [String], count: Int
    ) throws(SampleBlockError) -> LabelSet {
        var labels: [Label] = []
        labels.reserveCapacity(count)
        for _ in 0..<count {
            let start = reader.offset
            let label = Label(try readString(&reader, strings), try readString(&reader, strings))
            guard !label.value.isEmpty, labels.last.map({ $0.name < label.name }) ?? true else {
                throw SampleBlockError(.malformed, "label empty, twice or out of order", offset: start)
            }
            labels.append(label)
        }
        return LabelSet(labels)
    }

    private static func readString(_ reader: inout ByteReader, _ strings: [String]) throws(SampleBlockError) -> String {
        strings[try readIndex(&reader, below: strings.count, "string that is not in the table")]
    }

    private static func readIndex(
        _ reader: inout ByteReader, below limit: Int, _ message: String
    ) throws(SampleBlockError) -> Int {
        let start = reader.offset
        let index = try reader.varint()
        guard index < UInt64(limit) else {
            throw SampleBlockError(.malformed, message, offset: start, found: index, expected: UInt64(limit))
        }
        return Int(index)
    }

    private static func readSeriesColumn(
        _ reader: inout ByteReader, header: SampleBlockHeader
    ) throws(SampleBlockError) -> [Int] {
        var rows: [Int] = []
        rows.reserveCapacity(header.sampleCount)
        var expected = 0
        for _ in 0..<header.sampleCount {
            let start = reader.offset
            let distance = try reader.zigzag()
            let (row, overflow) = Int64(expected).addingReportingOverflow(distance)
            guard !overflow, row >= 0, row < header.seriesCount else {
                throw SampleBlockError(
                    .malformed, "series that is not in the dictionary", offset: start,
                    found: UInt64(bitPattern: row), expected: UInt64(header.seriesCount))
            }
            rows.append(Int(row))
            expected = Int(row) + 1 == header.seriesCount ? 0 : Int(row) + 1
        }
        return rows
    }

    private static func readTimes(
        _ reader: inout ByteReader, header: SampleBlockHeader
    ) throws(SampleBlockError) -> [Int64] {
        var times: [Int64] = []
        times.reserveCapacity(header.sampleCount)
        var time = header.minTime.millis
        var (earliest, latest) = (Int64.max, Int64.min)
        for _ in 0..<header.sampleCount {
            time &+= try reader.zigzag()
            earliest = min(earliest, time)
            latest = max(latest, time)
            times.append(time)
        }
        guard times.isEmpty || (earliest, latest) == (header.minTime.millis, header.maxTime.millis) else {
            throw SampleBlockError(.malformed, "times are not those of the header", offset: reader.offset)
        }
        return times
    }

    private static func readValues(
        _ reader: inout ByteReader, rows: [Int], seriesCount: Int
    ) throws(SampleBlockError) -> [Double] {
        let order = RowOrder(rows: rows, seriesCount: seriesCount)
        let encodingsStart = reader.offset
        let encodings = try reader.take(seriesCount)
        var values = [Double](repeating: 0, count: rows.count)
        for series in 0..<seriesCount {
            switch Int(encodings[series]) {
            case Int(ValueEncoding.bits):
                var bits: UInt64 = 0
                for row in order.rows(of: series) {
                    bits ^= try reader.varint().byteSwapped
                    values[Int(row)] = Double(bitPattern: bits)
                }
            case let byte where byte <= DecimalForm.maxExponent + 1:
                var mantissa: Int64 = 0
                for row in order.rows(of: series) {
                    mantissa &+= try reader.zigzag()
                    values[Int(row)] = DecimalForm.value(of: mantissa, exponent: byte - 1)
                }
            case let byte:
                throw SampleBlockError(
                    .malformed, "unknown value encoding", offset: encodingsStart + series, found: UInt64(byte),
                    expected: UInt64(DecimalForm.maxExponent + 1))
            }
        }
        return values
    }
}
