import SampleCodec
import Telemetry

/// Sorts the samples of many blocks by group and window, each pair's in the order in which they came.
struct GroupBuffers {
    /// The series met so far, by the numbers of the columns.
    private(set) var series: [Series] = []
    /// Samples held.
    private(set) var samples = 0

    private var numbers: [Series: UInt32] = [:]
    private var slots: [Int] = []
    private var slotOfGroup: [Int64: Int] = [:]
    private var groups: [Int64] = []
    /// By slot, of the window at hand.
    private var open: [SampleColumns] = []
    private var window: Int64?
    private var stashed: [Chunk.Key: SampleColumns] = [:]

    /// The number of a series that is known.
    func number(of series: Series) -> UInt32? { numbers[series] }

    /// Gives a series a number.
    mutating func add(_ one: Series, group: Int64) -> UInt32 {
        let slot = slotOfGroup[group] ?? groups.count
        if slot == groups.count {
            slotOfGroup[group] = slot
            groups.append(group)
            open.append(SampleColumns())
        }
        let number = UInt32(series.count)
        numbers[one] = number
        series.append(one)
        slots.append(slot)
        return number
    }

    /// Takes the samples of a block; `translation` gives the number for each of the block's.
    mutating func add(_ columns: SampleColumns, translation: [UInt32]) {
        let (blockNumbers, times) = (columns.series, columns.times)
        for position in blockNumbers.indices {
            let number = translation[Int(blockNumbers[position])]
            let millis = times[position]
            if window.map({ millis < $0 || millis - $0 >= Chunk.windowMillis }) ?? true {
                turn(to: Chunk.window(of: millis))
            }
            open[slots[Int(number)]].append(series: number, millis: millis, value: columns.value(at: position))
        }
        samples += blockNumbers.count
    }

    /// All that was gathered, in order of group and window.
    mutating func take() -> [(key: Chunk.Key, columns: SampleColumns)] {
        turn(to: nil)
        defer {
            stashed = [:]
            samples = 0
        }
        return stashed.sorted { ($0.key.group, $0.key.window) < ($1.key.group, $1.key.window) }
            .map { ($0.key, $0.value) }
    }

    private mutating func turn(to next: Int64?) {
        for slot in open.indices {
            if let window, !open[slot].isEmpty { stashed[.init(group: groups[slot], window: window)] = open[slot] }
            open[slot] = next.flatMap { stashed.removeValue(forKey: .init(group: groups[slot], window: $0)) } ?? .init()
        }
        window = next
    }
}
