import Telemetry
import Testing

struct SeriesListTests {
    private static let names = [
        Series("up"), Series("up", ["pod": "a"]), Series("requests_total", ["pod": "a"]),
        Series("requests_total", ["pod": "a", "status": "200"]), Series("pod", ["a": "pod"]),
    ]

    /// The same series by numbers of strings, in this order.
    private static func numbered(_ series: [Series]) -> SeriesList {
        var (strings, numbers): (SeriesStrings, [String: UInt32]) = (SeriesStrings(), [:])
        func number(_ string: String) -> UInt32 {
            if let known = numbers[string] { return known }
            strings.append(string)
            numbers[string] = UInt32(numbers.count)
            return UInt32(numbers.count - 1)
        }
        for one in series {
            let metric = number(one.metric)
            let labels = one.labels.labels.flatMap { [number($0.name), number($0.value)] }
            strings.append(metric: metric, labels: strings.append(labels: labels))
        }
        strings.trim()
        return SeriesList(strings)
    }

    private static func hash(_ list: SeriesList, _ number: Int) -> Int {
        var hasher = Hasher()
        list.hash(number, into: &hasher)
        return hasher.finalize()
    }

    @Test("Both forms of a list say the same of every series", arguments: [false, true])
    func questions(isNumbered: Bool) {
        let list = isNumbered ? Self.numbered(Self.names) : SeriesList(Self.names)
        #expect(Array(list) == Self.names && list.all == Self.names)
        for (number, one) in Self.names.enumerated() {
            #expect(list.metric(of: number) == one.metric)
            for name in ["pod", "status", "a", "none"] { #expect(list.value(of: name, of: number) == one.labels[name]) }
            var strings: [String] = []
            list.forEachString(of: number) { strings.append($0) }
            #expect(strings == [one.metric] + one.labels.labels.flatMap { [$0.name, $0.value] })
            #expect(Self.hash(list, number) == one.hashValue)
        }
    }

    @Test("What is left of a list counts from 0", arguments: [false, true])
    func dropping(isNumbered: Bool) {
        let list = isNumbered ? Self.numbered(Self.names) : SeriesList(Self.names)
        for count in 0...Self.names.count {
            let rest = list.dropping(first: count)
            #expect(Array(rest) == Array(Self.names.dropFirst(count)) && rest.all == Array(rest))
            #expect(rest.dropping(first: rest.count).isEmpty)
            if count < Self.names.count { #expect(rest.metric(of: 0) == Self.names[count].metric) }
        }
    }

    @Test("A list starts with another one whatever the form of either")
    func starts() {
        for mine in [SeriesList(Self.names), Self.numbered(Self.names)] {
            for count in 0...Self.names.count {
                let first = Array(Self.names.prefix(count))
                #expect(mine.starts(with: SeriesList(first)) && mine.starts(with: Self.numbered(first)))
                let others = first + [Series("another")]
                #expect(!mine.starts(with: SeriesList(others)) && !mine.starts(with: Self.numbered(others)))
            }
            #expect(mine.dropping(first: 1).starts(with: Self.numbered([Self.names[1]])))
            #expect(!mine.starts(with: Self.numbered(Self.names.reversed())))
        }
    }

    @Test("A dictionary that is cut holds what it held of the first series, and goes on behind them")
    func cut() {
        var strings = SeriesStrings()
        for string in ["up", "pod", "a", "b"] { strings.append(string) }
        let first = strings.append(labels: [1, 2])
        let second = strings.append(labels: [1, 3])
        strings.append(metric: 0, labels: first)
        strings.append(metric: 0, labels: second)
        let whole = SeriesList(strings)
        #expect(strings.holds(metric: 0, labels: [1, 3], at: 1) && !strings.holds(metric: 0, labels: [1, 3], at: 0))
        #expect(!strings.holds(metric: 0, labels: [1, 3], at: 2) && !strings.holds(metric: 0, labels: [], at: 0))
        strings.keepFirst(series: 1, strings: 3)
        #expect(Array(SeriesList(strings)) == [Series("up", ["pod": "a"])])
        strings.append("c")
        strings.append(metric: 0, labels: strings.append(labels: [1, 3]))
        #expect(Array(SeriesList(strings)) == [Series("up", ["pod": "a"]), Series("up", ["pod": "c"])])
        #expect(Array(whole) == [Series("up", ["pod": "a"]), Series("up", ["pod": "b"])])
        strings.keepFirst(series: 0, strings: 0)
        #expect(SeriesList(strings).isEmpty)
    }
}
