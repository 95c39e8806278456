package import Telemetry

/// Writes samples as self-contained blocks; the format is `proto/SAMPLE_BLOCK.md`.
package struct SampleBlockEncoder: Sendable {
    /// What came of samples that need not fit in one block.
    package struct Batch: Sendable {
        /// The blocks, in the order of the samples.
        package var blocks: [[UInt8]] = []
        /// Samples that no block can hold, because their names or labels are above the limits.
        package var refused = 0
    }

    /// What a block may hold; the same as the reader's.
    package let limits: SampleBlockLimits

    /// Makes an encoder.
    package init(limits: SampleBlockLimits = .default) {
        self.limits = limits
    }

    /// Writes one block that decodes to exactly these samples in this order.
    ///
    /// Throws `limitExceeded` when they don't fit in one block. Strings that Unicode calls equal are stored once.
    package func encode(_ samples: [Sample]) throws(SampleBlockError) -> [UInt8] {
        try encode(samples[...])
    }

    /// Writes as many blocks as the samples need.
    ///
    /// A sample that no block can hold is left out and counted.
    package func encodeAll(_ samples: [Sample]) -> Batch {
        var batch = Batch()
        encode(samples[...], into: &batch)
        return batch
    }

    private func encode(_ samples: ArraySlice<Sample>, into batch: inout Batch) {
        guard !samples.isEmpty else { return }
        do {
            batch.blocks.append(try encode(samples))
        } catch {
            guard samples.count > 1 else {
                batch.refused += 1
                return
            }
            let middle = samples.startIndex + samples.count / 2
            encode(samples[..<middle], into: &batch)
            encode(samples[middle...], into: &batch)
        }
    }

    private func encode(_ samples: ArraySlice<Sample>) throws(SampleBlockError) -> [UInt8] {
        try check(samples.count, limits.samples, "too many samples")
        var dictionary = SeriesDictionary(limits: limits)
        var rows: [Int] = []
        rows.reserveCapacity(samples.count)
        var expected = 0
        for sample in samples {
            let index = try dictionary.index(of: sample.series, expecting: expected)
            rows.append(index)
            expected = index + 1
        }

        let minTime = samples.lazy.map(\.timestamp).min() ?? Timestamp(millis: 0)
        let maxTime = samples.lazy.map(\.timestamp).max() ?? Timestamp(millis: 0)
        var body = ByteWriter(reserving: samples.count * 8 + 256)
        dictionary.write(to: &body)
        Self.writeSeriesColumn(rows, seriesCount: dictionary.series.count, to: &body)
        Self.writeTimeColumn(samples, from: minTime, to: &body)
        Self.writeValues(samples, rows: rows, seriesCount: dictionary.series.count, to: &body)
        try check(body.bytes.count, limits.bodyBytes, "body too large")

        let deflated = Deflate.compress(body.bytes)
        let payload = deflated ?? body.bytes
        let header = SampleBlockHeader(
            version: SampleBlockHeader.currentVersion, sampleCount: samples.count,
            seriesCount: dictionary.series.count, minTime: minTime, maxTime: maxTime, bodyBytes: body.bytes.count,
            payloadBytes: payload.count, stringCount: dictionary.strings.count, labelCount: dictionary.labelCount,
            isDeflated: deflated != nil)
        let size = SampleBlockHeader.size + payload.count + SampleBlockHeader.checksumSize
        try check(size, limits.blockBytes, "block too large")
        var block = ByteWriter(reserving: size)
        header.write(to: &block)
        block.append(payload)
        block.fixed(CRC32.checksum(block.bytes))
        return block.bytes
    }

    /// The series of each row, as the distance from the successor of the row before: a round in order is all zeros.
    private static func writeSeriesColumn(_ rows: [Int], seriesCount: Int, to body: inout ByteWriter) {
        var expected = 0
        for row in rows {
            body.zigzag(Int64(row - expected))
            expected = row + 1 == seriesCount ? 0 : row + 1
        }
    }

    private static func writeTimeColumn(_ samples: ArraySlice<Sample>, from start: Timestamp, to body: inout ByteWriter)
    {
        var previous = start.millis
        for sample in samples {
            // Wraps around for times more than 2^63 ms apart; the reader's sum wraps back.
            body.zigzag(sample.timestamp.millis &- previous)
            previous = sample.timestamp.millis
        }
    }

    private static func writeValues(
        _ samples: ArraySlice<Sample>, rows: [Int], seriesCount: Int, to body: inout ByteWriter
    ) {
        let order = RowOrder(rows: rows, seriesCount: seriesCount)
        var encodings: [UInt8] = []
        var column = ByteWriter(reserving: samples.count * 4)
        for series in 0..<seriesCount {
            let values = order.rows(of: series).lazy.map { samples[samples.startIndex + Int($0)].value }
            let exponent = DecimalForm.exponent(for: values)
            encodings.append(ValueEncoding.byte(exponent: exponent))
            if let exponent {
                writeDecimals(values, exponent: exponent, to: &column)
            } else {
                writeBits(values, to: &column)
            }
        }
        body.append(encodings)
        body.append(column.bytes)
    }

    private static func writeDecimals(_ values: some Sequence<Double>, exponent: Int, to column: inout ByteWriter) {
        var previous: Int64 = 0
        for value in values {
            guard let mantissa = DecimalForm.mantissa(of: value, exponent: exponent) else {
                preconditionFailure("exponent \(exponent) was chosen for values that it does not fit")
            }
            column.zigzag(mantissa - previous)
            previous = mantissa
        }
    }

    private static func writeBits(_ values: some Sequence<Double>, to column: inout ByteWriter) {
        var previous: UInt64 = 0
        for value in values {
            column.varint((value.bitPattern ^ previous).byteSwapped)
            previous = value.bitPattern
        }
    }

    private func check(_ found: Int, _ limit: Int, _ message: String) throws(SampleBlockError) {
        guard found <= limit else {
            throw SampleBlockError(
                .limitExceeded, message, offset: 0, found: UInt64(found), expected: UInt64(limit))
        }
    }
}
