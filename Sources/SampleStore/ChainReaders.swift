import GRDB
import SQLiteFile
package import Telemetry

/// Decodes the payloads of one chain of frames.
package protocol FrameDecoder: Sendable {
    /// The samples of the next frame of the chain, or of any that stands alone.
    ///
    /// Throws for a frame that doesn't follow the last one, and then goes on as before.
    mutating func decode(_ bytes: [UInt8]) throws -> [Sample]
}

/// What a row of a frame holds beside its times.
struct FrameBody: Sendable {
    var payload: [UInt8]
    var sequence: UInt64
    /// Sequence of the frame that starts its chain; nil when it stands alone.
    var chainStart: UInt64?

    /// Reads `payload`, `sequence`, `chain_start`.
    init(_ row: Row) throws {
        payload = try row.withUnsafeData(atIndex: 0) { $0.map { Array($0) } ?? [] }
        let (sequence, chainStart): (Int64, Int64?) = (row[1], row[2])
        self.sequence = UInt64(max(0, sequence))
        self.chainStart = chainStart.map { UInt64(max(0, $0)) }
    }
}

/// Reads frames that build on others: frames of a chain which come in their order are decoded once each, others from
/// their chain's start.
///
/// Holds the decoders of the chains used last.
struct ChainReaders {
    /// Chains at a time: with many more agents in one range, chains are read from their start again.
    static let chainsMax = 128

    private struct Chain: Hashable {
        var session: Int64
        var start: UInt64
    }

    private struct Reader {
        var decoder: any FrameDecoder
        var last: UInt64
        var usedAt: Int
        /// Why the frame after `last` can't be read, and with it none after that.
        var fault: (any Error)?
    }

    private let file: SQLiteFile
    private let makeDecoder: SampleStore.MakeDecoder
    private var readers: [Chain: Reader] = [:]
    private var uses = 0

    init(file: SQLiteFile, makeDecoder: @escaping SampleStore.MakeDecoder) {
        self.file = file
        self.makeDecoder = makeDecoder
    }

    /// The samples of a frame; throws when it, or one that it builds on, can't be read.
    mutating func samples(of frame: FramePage.Frame) async throws -> [Sample] {
        let body: FrameBody
        do { body = try frame.body.get() } catch { throw UnreadableFrame(what: "the frame cannot be read", error) }
        guard let start = body.chainStart else {
            var decoder = makeDecoder()
            return try Self.decode(body, &decoder)
        }
        let chain = Chain(session: frame.session, start: start)
        var reader = take(chain, before: body.sequence)
        defer { put(reader, chain) }
        if let samples = reader.fault == nil ? try? reader.decoder.decode(body.payload) : nil {
            reader.last = body.sequence
            return samples
        }
        do {
            for earlier in try await between(reader.last, body.sequence, chain) where reader.fault == nil {
                _ = try Self.decode(earlier, &reader.decoder, "a block that it builds on cannot be decoded")
                reader.last = earlier.sequence
            }
            if let fault = reader.fault { throw fault }
            let samples = try Self.decode(body, &reader.decoder)
            reader.last = body.sequence
            return samples
        } catch {
            reader.fault = error
            throw error
        }
    }

    /// The reader of a chain if it has not passed the frame, else one that starts anew.
    private mutating func take(_ chain: Chain, before sequence: UInt64) -> Reader {
        if let reader = readers.removeValue(forKey: chain), reader.last < sequence { return reader }
        return Reader(decoder: makeDecoder(), last: chain.start - 1, usedAt: 0)
    }

    private mutating func put(_ reader: Reader, _ chain: Chain) {
        if readers.count >= Self.chainsMax, let oldest = readers.min(by: { $0.value.usedAt < $1.value.usedAt }) {
            readers[oldest.key] = nil
        }
        uses += 1
        readers[chain] = reader
        readers[chain]?.usedAt = uses
    }

    private func between(
        _ last: UInt64, _ sequence: UInt64, _ chain: Chain
    ) async throws(StoreError) -> [FrameBody] {
        try await file.read { database in
            try Row.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT payload, sequence, chain_start FROM frames
                        WHERE session_id = ? AND chain_start = ? AND sequence > ? AND sequence < ? ORDER BY sequence
                        """),
                arguments: [chain.session, Int64(chain.start), Int64(last), Int64(sequence)]
            ).map { try FrameBody($0) }
        }
    }

    private static func decode(
        _ body: FrameBody, _ decoder: inout any FrameDecoder, _ what: String = "the block cannot be decoded"
    ) throws -> [Sample] {
        do { return try decoder.decode(body.payload) } catch { throw UnreadableFrame(what: what, error) }
    }
}

/// Why the samples of a frame are missing, for people.
struct UnreadableFrame: Error, CustomStringConvertible {
    let description: String

    init(what: String, _ error: any Error) {
        description = "\(what): \(error)"
    }
}
