import SampleCodec

#if canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What must outlive the segments.
struct SpoolState: Hashable {
    /// Raised at each write; the slot with the higher one is current.
    var generation: UInt64 = 0
    var acknowledged: UInt64 = 0
    /// Sequences below it are gone.
    var floor: UInt64 = 1
    var next: UInt64 = 1
    /// The last record that can have been sent before this process.
    var sentThrough: UInt64 = 0
    /// Whether this process may have sent.
    var hasSent = false
    /// Whether a process has the spool open; one that ends in order says that it has not.
    var isOpen = false
    /// Damage up to here is counted.
    var damageThrough: UInt64 = 0
    var counters = SpoolCounters()
}

/// The state in a file of two slots that are written in turn, in place: a torn write leaves the other slot, and a full
/// disk does not matter.
///
/// A slot is thirteen numbers of 8 bytes, little-endian, in the order of `numbers(of:)`, and their CRC-32.
///
/// The sixth holds two marks: 1 for `hasSent`, 2 for `isOpen`.
struct SpoolStateFile {
    private static let slotDistance = 4096
    private static let numberCount = 13
    private static let slotBytes = numberCount * 8 + 4

    private let file: SpoolFile
    private(set) var state: SpoolState

    /// Opens or makes the file; `isKnown` is false when there was no state or none that could be read.
    static func open(in folder: String) throws(SpoolError) -> (file: SpoolStateFile, isKnown: Bool) {
        let file = try SpoolFile(folder + "/STATE", flags: O_RDWR | O_CREAT)
        var current: SpoolState?
        for slot in 0...1 {
            let bytes = try file.read(slotBytes, at: slot * slotDistance)
            guard let state = decode(bytes), state.generation >= current?.generation ?? 0 else { continue }
            current = state
        }
        if try file.size() < 2 * slotDistance, current == nil {
            try file.write([UInt8](repeating: 0, count: 2 * slotDistance), at: 0)
        }
        return (SpoolStateFile(file: file, state: current ?? SpoolState()), current != nil)
    }

    /// Makes `changed` the state and forces it to disk.
    mutating func save(_ changed: SpoolState) throws(SpoolError) {
        state = changed
        state.generation += 1
        var bytes: [UInt8] = []
        for number in Self.numbers(of: state) { bytes.appendLittle(number) }
        bytes.appendLittle(CRC32.checksum(bytes))
        try file.write(bytes, at: Int(state.generation % 2) * Self.slotDistance)
        try file.sync()
    }

    private static func numbers(of state: SpoolState) -> [UInt64] {
        [
            state.generation, state.acknowledged, state.floor, state.next, state.sentThrough,
            (state.hasSent ? 1 : 0) | (state.isOpen ? 2 : 0),
            state.damageThrough, state.counters.droppedRecords, state.counters.droppedSamples,
            state.counters.damagedRecords, state.counters.damagedSamples, state.counters.tornTails,
            state.counters.quarantines,
        ]
    }

    private static func decode(_ bytes: [UInt8]) -> SpoolState? {
        guard bytes.count == slotBytes,
            bytes.little(UInt32.self, at: slotBytes - 4) == CRC32.checksum(bytes.dropLast(4))
        else { return nil }
        let numbers = (0..<numberCount).map { bytes.little(UInt64.self, at: $0 * 8) }
        let counters = SpoolCounters(
            droppedRecords: numbers[7], droppedSamples: numbers[8], damagedRecords: numbers[9],
            damagedSamples: numbers[10], tornTails: numbers[11], quarantines: numbers[12])
        // The checksum was right, so these only fail for a writer with other rules.
        guard numbers[0] > 0, numbers[3] > 0, numbers[1] < numbers[3] else { return nil }
        return SpoolState(
            generation: numbers[0], acknowledged: numbers[1], floor: max(numbers[2], 1), next: numbers[3],
            sentThrough: numbers[4], hasSent: numbers[5] & 1 != 0, isOpen: numbers[5] & 2 != 0,
            damageThrough: numbers[6], counters: counters)
    }
}
