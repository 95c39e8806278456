import Telemetry
import Testing

struct SampleBatchTests {
    private let series = ["a", "b", "c"].map { Series($0) }

    private func batch(_ numbers: [UInt32], frame: UInt64 = 1) -> SampleBatch {
        SampleBatch(
            numbering: .init(stream: 1, frame: frame), series: SeriesList(series), numbers: numbers,
            times: numbers.indices.map { 1000 - Int64($0) }, bits: numbers.indices.map { Double($0).bitPattern })
    }

    @Test("Samples by number and by name are the same")
    func byNumberAndByName() {
        let samples = [2, 0, 2].enumerated().map {
            Sample(series[$0.element], Timestamp(millis: 1000 - Int64($0.offset)), Double($0.offset))
        }
        #expect(Array(batch([2, 0, 2])) == samples)
        #expect(Array(SampleBatch(samples)) == samples)
        #expect(SampleBatch(samples).numbering == nil)
    }

    @Test("What is kept stays in its order with its numbers, and each position is asked for once")
    func keeping() {
        let all = batch([2, 0, 2, 1, 1])
        for mask in 0..<32 {
            var asked: [Int] = []
            let kept = all.keeping { position in
                asked.append(position)
                return mask >> position & 1 == 1
            }
            #expect(Array(kept) == all.indices.filter { mask >> $0 & 1 == 1 }.map { all[$0] })
            #expect(asked == Array(all.indices))
            #expect(kept.numbering == all.numbering)
        }
    }

    @Test("The range of times holds the earliest and the latest, whatever their order")
    func timeRange() {
        #expect(batch([]).timeRange == nil)
        #expect(batch([0]).timeRange == Timestamp(millis: 1000)...Timestamp(millis: 1000))
        #expect(batch([0, 1, 2]).timeRange == Timestamp(millis: 998)...Timestamp(millis: 1000))
    }

    @Test("A meaning is worked out once for each series of a numbering, and anew for another one")
    func meanings() {
        var numbered = NumberedSeries<String>()
        var worked: [String] = []
        func meaning(_ series: SeriesList, _ number: Int) -> String {
            worked.append(series.metric(of: number))
            return worked[worked.count - 1]
        }
        let first = SampleBatch(
            numbering: .init(stream: 1, frame: 1), series: [series[0]], numbers: [], times: [], bits: [])
        numbered.follow(first, meaning)
        numbered.follow(batch([0]), meaning)
        numbered.follow(batch([0]), meaning)
        // A batch of before, which knew fewer series.
        numbered.follow(first, meaning)
        #expect(worked == ["a", "b", "c"])
        #expect(numbered.meanings == ["a", "b", "c"])
        numbered.follow(batch([0], frame: 2), meaning)
        #expect(worked == ["a", "b", "c", "a", "b", "c"])
        let alone = SampleBatch([Sample(series[1], Timestamp(millis: 0), 0)])
        for _ in 0..<2 { numbered.follow(alone, meaning) }
        #expect(worked.suffix(2) == ["b", "b"])
        #expect(numbered.meanings == ["b"])
    }
}
