import SampleCodec
import Telemetry
import Testing

@Suite struct SampleBlockChainTests {
    /// Blocks of any samples: new series, vanished ones, times and values of all kinds, another order each time.
    private static func chaos(seed: UInt64, blocks: Int) -> [[Sample]] {
        var source = RandomSamples(seed: seed)
        var pool: [Series] = []
        return (0..<blocks).map { _ in
            for _ in 0..<Int.random(in: 0...5, using: &source.random) { pool.append(source.series()) }
            if pool.isEmpty { return [] }
            return (0..<Int.random(in: 0...80, using: &source.random)).map { _ in
                Sample(pool.randomElement(using: &source.random)!, source.time(), source.value())
            }
        }
    }

    /// Rounds of probes: counters that reset, gauges, pages, toggles, series that end and come back.
    private static func rounds(seed: UInt64, rounds: Int, series count: Int) -> [[Sample]] {
        var source = RandomSamples(seed: seed)
        var values = (0..<count).map { _ in Double(Int.random(in: 0...9_999_999, using: &source.random)) }
        return (0..<rounds).map { round in
            (0..<count).compactMap { index in
                let series = Series("metric_\(index % 7)", ["pod": "pod-\(index / 7)"])
                let alive = (index + round / 9) % 5 != 0
                guard alive else { return nil }
                switch index % 7 {
                case 0: values[index] += Double(Int.random(in: 0...3000, using: &source.random))
                case 1: values[index] = (values[index] + 4096 * Double(Int.random(in: -3...3, using: &source.random)))
                case 2: values[index] = Double(Int.random(in: 0...999_999_999, using: &source.random)) / 1e9
                case 3: values[index] = Bool.random(using: &source.random) ? 0 : source.value()
                case 4: values[index] = Double.random(in: 0...1, using: &source.random)
                case 5: if round % 20 == index % 20 { values[index] = StaleMarker.value }
                default: values[index] = round % 17 == 0 ? 0 : values[index] + 41.5
                }
                let jitter = index % 3 == 0 ? Int64.random(in: 0...40, using: &source.random) : Int64(index % 2)
                return Sample(
                    series, Timestamp(millis: 1_764_000_000_000 + Int64(round) * 10_000 + jitter), values[index])
            }
        }
    }

    private func expectRoundTrip(_ blocks: [[Sample]], _ note: Comment, blocksPerChain: Int = 60) throws {
        var encoder = SampleBlockChainEncoder(blocksPerChain: blocksPerChain)
        var decoder = SampleBlockChainDecoder()
        var reference = ReferenceChainDecoder()
        for (number, samples) in blocks.enumerated() {
            let block = try encoder.encode(samples)
            #expect(try decoder.decode(block) == samples, "\(note) block \(number)")
            #expect(reference.decode(block) == samples, "\(note) block \(number), reference")
        }
        #expect(decoder.chainsRead == UInt64((blocks.count + blocksPerChain - 1) / blocksPerChain))
    }

    @Test("Series with the same labels hold them once, and a chain takes over those of the one before")
    func labelsAreHeldOnce() throws {
        var encoder = SampleBlockChainEncoder(blocksPerChain: 1)
        var decoder = SampleBlockChainDecoder()
        let labels: LabelSet = ["namespace": "a-long-name-of-a-namespace", "pod": "a-long-name-of-a-pod"]
        let other = labels.merging(["container": "main"])
        func storage(_ series: Series) -> UnsafeRawPointer? {
            series.labels.labels.withUnsafeBytes { $0.baseAddress }
        }
        var before = SeriesList()
        for round in 0..<3 {
            var samples = [labels, other, labels, other].enumerated().map {
                Sample(Series("metric_\($0.offset)", $0.element), Timestamp(millis: Int64(round)), 1)
            }
            // The last chain begins with another series, so that all numbers are others.
            if round == 2 { samples.insert(Sample(Series("new", other), Timestamp(millis: 2), 1), at: 0) }
            #expect(try decoder.decode(encoder.encode(samples)) == samples)
            let series = decoder.series
            #expect(decoder.chainsRead == UInt64(round + 1))
            let names = series.all
            #expect(storage(names[0]) == storage(names[2]))
            #expect(storage(names[1]) == storage(names[3]))
            #expect(series.starts(with: before) == (round < 2))
            before = series
        }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>) func anySamples(seed: UInt64) throws {
        try expectRoundTrip(Self.chaos(seed: seed, blocks: 25), "seed \(seed)", blocksPerChain: 10)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func roundsOfProbes(seed: UInt64) throws {
        try expectRoundTrip(Self.rounds(seed: seed, rounds: 70, series: 60), "seed \(seed)")
        // Many rounds in one block, as after an outage.
        let rounds = Self.rounds(seed: seed, rounds: 70, series: 60)
        try expectRoundTrip([Array(rounds[..<40].joined()), Array(rounds[40...].joined())], "joined, seed \(seed)")
    }

    @Test func awkwardValuesAndTimes() throws {
        let values = RandomSamples.awkwardValues
        try expectRoundTrip(values.map { [Sample(Series("m"), Timestamp(millis: 1), $0)] }, "one by one")
        let pairs = values.map { first in
            values.map { Sample(Series("m", ["of": "\(first.bitPattern)"]), Timestamp(millis: 1), $0) }
        }
        try expectRoundTrip(pairs, "each after each")
        let times = RandomSamples.awkwardTimes
        let jumps = times.map { first in times.map { Sample(Series("t"), Timestamp(millis: first ^ $0), 1) } }
        try expectRoundTrip(jumps, "times")
        try expectRoundTrip([[], [], [Sample(Series(""), Timestamp(millis: 0), 0)], []], "empty blocks")
    }

    @Test func aGapIsAnErrorAndNeverAWrongValue() throws {
        let rounds = Self.rounds(seed: 5, rounds: 12, series: 30)
        var encoder = SampleBlockChainEncoder()
        let blocks = try rounds.map { try encoder.encode($0) }
        for missing in 0..<11 {
            var decoder = SampleBlockChainDecoder()
            for before in 0..<missing { #expect(try decoder.decode(blocks[before]) == rounds[before]) }
            #expect(throws: SampleBlockError(.chainBroken)) { try decoder.decode(blocks[missing + 1]) }
            if missing > 1 {
                #expect(throws: SampleBlockError(.chainBroken)) { try decoder.decode(blocks[missing - 1]) }
            }
            // The decoder is as it was: the missing block still fits, then the rest.
            for after in missing..<12 { #expect(try decoder.decode(blocks[after]) == rounds[after]) }
        }
    }

    @Test func anotherChainsBlockIsRefused() throws {
        let rounds = Self.rounds(seed: 6, rounds: 3, series: 30)
        var (one, two) = (SampleBlockChainEncoder(), SampleBlockChainEncoder())
        var decoder = SampleBlockChainDecoder()
        _ = try decoder.decode(one.encode(rounds[0]))
        _ = try one.encode(rounds[1])
        _ = try two.encode(rounds[1])
        #expect(throws: SampleBlockError(.chainBroken)) { try decoder.decode(two.encode(rounds[2])) }
        one.startChain()
        #expect(try decoder.decode(one.encode(rounds[2])) == rounds[2])
        #expect(decoder.chainsRead == 2)
    }

    @Test func keyframesComeInTime() throws {
        let rounds = Self.rounds(seed: 7, rounds: 130, series: 10)
        var encoder = SampleBlockChainEncoder()
        var keyframes: [Int] = []
        for (number, round) in rounds.enumerated() {
            let block = try encoder.encode(round)
            var fresh = SampleBlockChainDecoder()
            if (try? fresh.decode(block)) != nil { keyframes.append(number) }
        }
        #expect(keyframes == [0, 60, 120])
    }

    @Test func readsVersionOneBetweenBlocksOfAChain() throws {
        let rounds = Self.rounds(seed: 8, rounds: 3, series: 20)
        var encoder = SampleBlockChainEncoder()
        var decoder = SampleBlockChainDecoder()
        #expect(try decoder.decode(encoder.encode(rounds[0])) == rounds[0])
        #expect(try decoder.decode(SampleBlockEncoder().encode(rounds[1])) == rounds[1])
        #expect(try decoder.decode(encoder.encode(rounds[2])) == rounds[2])
    }

    @Test func columnsByNumber() throws {
        var encoder = SampleBlockChainEncoder(blocksPerChain: 4)
        var decoder = SampleBlockChainDecoder()
        let (first, second) = (Series("a"), Series("b", ["c": "d"]))
        let numbers = try [encoder.intern(first), encoder.intern(second), encoder.intern(first)]
        #expect(numbers == [0, 1, 0])
        var (columns, decoded) = (SampleColumns(), SampleColumns())
        for round in 0..<10 {
            columns.removeAll()
            // The second series is known by number but comes late in each chain.
            if round % 4 > 1 { columns.append(series: numbers[1], millis: Int64(round), value: -0.0) }
            columns.append(series: numbers[0], millis: Int64(round), value: Double(round))
            try decoder.decode(encoder.encode(columns), into: &decoded)
            #expect(decoded.times == columns.times && decoded.bits == columns.bits)
            #expect(decoded.series.map { decoder.series[Int($0)] } == columns.series.map { [first, second][Int($0)] })
        }
    }

    @Test func aFullDictionaryIsRefusedOrStartsAnew() throws {
        let limits = SampleBlockLimits(series: 5)
        var encoder = SampleBlockChainEncoder(limits: limits)
        var decoder = SampleBlockChainDecoder(limits: limits)
        func samples(_ names: Range<Int>) -> [Sample] {
            names.map { Sample(Series("m\($0)"), Timestamp(millis: 1), Double($0)) }
        }
        #expect(try decoder.decode(encoder.encode(samples(0..<4))) == samples(0..<4))
        #expect(try decoder.decode(encoder.encode(samples(3..<6))) == samples(3..<6))
        #expect(decoder.chainsRead == 2)
        #expect(throws: SampleBlockError(.limitExceeded)) { try encoder.encode(samples(0..<6)) }
        #expect(throws: SampleBlockError(.limitExceeded)) {
            for name in 0..<6 { _ = try encoder.intern(Series("n\(name)")) }
        }
        #expect(try decoder.decode(encoder.encode(samples(7..<9))) == samples(7..<9))
    }

    @Test func steadyRoundsAreSmall() throws {
        let samples = (0..<500).map { Sample(Series("m", ["n": "\($0)"]), Timestamp(millis: 0), Double($0)) }
        var encoder = SampleBlockChainEncoder()
        var sizes: [Int] = []
        for round in 0..<20 {
            let block = try encoder.encode(
                samples.map {
                    Sample($0.series, Timestamp(millis: Int64(round) * 10_000), $0.value + Double(round) * 7)
                })
            sizes.append(block.count)
        }
        // Counters that rise evenly cost next to nothing once that is known.
        #expect(sizes[19] < 60, "\(sizes)")
    }

    /// The coded stream ends in zeros of all counts, some of which are left out.
    @Test func manySmallBlocks() throws {
        var source = RandomSamples(seed: 12)
        var encoder = SampleBlockChainEncoder(blocksPerChain: 500)
        var decoder = SampleBlockChainDecoder()
        for round in 0..<20_000 {
            let count = 1 + round % 3
            let samples = (0..<count).map { index in
                Sample(
                    Series("m", ["n": "\(index)"]), Timestamp(millis: Int64(round) * 10_000),
                    Double.random(in: 0...1, using: &source.random))
            }
            let decoded = try decoder.decode(encoder.encode(samples))
            if decoded != samples { Issue.record("round \(round)") }
        }
        #expect(decoder.chainsRead == 40)
    }
}
