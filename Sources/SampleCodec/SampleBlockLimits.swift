/// What a block may hold at most.
///
/// Checked before memory is taken, by the writer as by the reader.
///
/// At the defaults a block that is at every limit decodes into about 90 MB; an honest one of an agent, with 20,000
/// series once, into 5 MB.
package struct SampleBlockLimits: Sendable, Hashable {
    /// Bytes of the whole block: default 3 MiB, below the 4 MiB that gRPC allows a message.
    package var blockBytes: Int
    /// Bytes of the body after inflation: default 16 MiB.
    package var bodyBytes: Int
    /// Samples: default 400,000.
    package var samples: Int
    /// Entries of the series dictionary: default 50,000.
    package var series: Int
    /// Labels of one series: default 64.
    package var labelsPerSeries: Int
    /// Labels of all series together: default 800,000.
    package var labels: Int
    /// UTF-8 bytes of one metric name, label name or label value: default 4096.
    package var stringBytes: Int

    /// Makes limits; each is at least 1 and `blockBytes` at most 2³¹.
    package init(
        blockBytes: Int = 3 << 20, bodyBytes: Int = 16 << 20, samples: Int = 400_000, series: Int = 50_000,
        labelsPerSeries: Int = 64, labels: Int = 800_000, stringBytes: Int = 4096
    ) {
        let all = [blockBytes, bodyBytes, samples, series, labelsPerSeries, labels, stringBytes]
        precondition(all.allSatisfy { (1...(1 << 31)).contains($0) }, "limits are 1 to 2^31, not \(all)")
        self.blockBytes = blockBytes
        self.bodyBytes = bodyBytes
        self.samples = samples
        self.series = series
        self.labelsPerSeries = labelsPerSeries
        self.labels = labels
        self.stringBytes = stringBytes
    }

    /// The defaults, the same for agents and coordinators: what one writes the other reads.
    package static let `default` = SampleBlockLimits()
}
