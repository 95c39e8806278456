import SampleCodec
import Telemetry

/// Reads stored blocks of either version into columns, in the order in which they were written.
struct BlockReader {
    /// The series that the columns' numbers mean.
    private(set) var series = SeriesList()
    /// The samples of the last block; none after an error.
    private(set) var columns = SampleColumns()
    /// Rises whenever the numbers of series mean others.
    private(set) var epoch: UInt64 = 0

    private var decoder = SampleBlockChainDecoder()

    mutating func read(_ payload: [UInt8]) throws(SampleBlockError) {
        columns.removeAll()
        guard SampleBlockChainDecoder.isChained(payload) else { return try readSingle(payload) }
        let chains = decoder.chainsRead
        defer { epoch += decoder.chainsRead == chains ? 0 : 1 }
        try decoder.decode(payload, into: &columns)
        series = decoder.series
    }

    /// A block of version 1: it numbers its series for itself.
    private mutating func readSingle(_ payload: [UInt8]) throws(SampleBlockError) {
        epoch += 1
        var series: [Series] = []
        defer { self.series = SeriesList(series) }
        var numbers: [Series: UInt32] = [:]
        for sample in try SampleBlockDecoder.decode(payload, limits: decoder.limits) {
            var number = numbers[sample.series]
            if number == nil {
                number = UInt32(series.count)
                numbers[sample.series] = number
                series.append(sample.series)
            }
            columns.append(series: number ?? 0, millis: sample.timestamp.millis, value: sample.value)
        }
    }
}
