import Testing

@testable import Telemetry

struct CompactNumbersTests {
    private func list(_ numbers: [UInt32]) -> CompactNumbers {
        var list = CompactNumbers()
        for number in numbers { list.append(number) }
        return list
    }

    private func numbers(_ list: CompactNumbers) -> [UInt32] { (0..<list.count).map { list[$0] } }

    @Test(
        "What was put in comes out, on either side of two bytes", arguments: [[], [0, 65_535], [0, 65_536, 1, .max]])
    func roundTrip(wanted: [UInt32]) {
        var list = list(wanted)
        #expect(numbers(list) == wanted)
        list.trim()
        #expect(numbers(list) == wanted)
        for count in 0...wanted.count {
            var cut = list
            cut.keepFirst(count)
            #expect(numbers(cut) == Array(wanted.prefix(count)) && list.starts(with: cut))
            #expect(cut.starts(with: list) == (count == wanted.count))
            cut.append(7)
            #expect(numbers(cut) == wanted.prefix(count) + [7] && !list.starts(with: cut))
        }
    }

    @Test("A run is found where it is and nowhere else", arguments: [3, 70_000] as [UInt32])
    func holds(large: UInt32) {
        let list = list([1, 2, large, 4])
        #expect(list.holds([2, large], at: 1) && list.holds([], at: 4) && list.holds([1, 2, large, 4][...], at: 0))
        #expect(!list.holds([2, large], at: 0) && !list.holds([4, 5], at: 3) && !list.holds([], at: 5))
    }

    @Test("A list of two bytes and one of four are compared by their numbers")
    func forms() {
        var cut = list([1, 2, 70_000])
        cut.keepFirst(2)
        #expect(cut.starts(with: list([1, 2])) && list([1, 2]).starts(with: cut) && !cut.starts(with: list([1, 3])))
    }
}
