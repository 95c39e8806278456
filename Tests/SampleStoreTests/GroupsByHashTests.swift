import Testing

@testable import SampleStore

struct GroupsByHashTests {
    @Test("Groups that come in any order, some again, are found by their hash, and no others are")
    func sameAsADictionary() {
        var groups = GroupsByHash()
        var expected: [Int64: Int64] = [:]
        var state: UInt64 = 7
        for round in 0..<50 as Range<Int64> {
            var new: [Int64: Int64] = [:]
            for _ in 0..<Int(round % 7) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                new[Int64(bitPattern: state) >> (round % 2 == 0 ? 58 : 0)] = round
            }
            groups.merge(new)
            expected.merge(new) { $1 }
            #expect(groups.count == expected.count)
        }
        #expect(expected.count > 60)
        for (hash, group) in expected { #expect(groups[hash] == group) }
        for hash in [Int64.min, .max, 12345] { #expect(groups[hash] == expected[hash]) }
    }
}
