package import GRPCCore

/// Why a message of the ingest stream was refused, with the RPC code that tells the agent what to do about it.
package struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of refusal.
    ///
    /// The RPC code of each is chosen in `rpcCode`, in one place.
    package enum Code: String, Hashable, Sendable {
        /// A field breaks the contract: a session of the wrong length, a name that is empty or too long.
        case invalidField
        /// The first message was not `Hello`, or `Hello` came twice.
        case outOfOrder
        /// A frame is larger than the coordinator takes, or holds more than it takes.
        case tooLarge
        /// A sample block or an edge batch does not decode.
        case corrupt
        /// A frame's sequence leaves a hole that `Hello` did not declare.
        case gap
        /// A sample block builds on one that was not read: the agent must start a new chain.
        case chainBroken
        /// The certificate does not allow what was asked.
        case denied
        /// The coordinator cannot store right now; try again.
        case storage
    }

    /// The kind.
    package var code: Code
    /// One sentence, without payload.
    package var message: String
    /// The frame whose content is the reason, when it is one: sent again it will be refused again.
    package var refusedFrame: UInt64?

    /// Makes a refusal.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The error with the frame that it is of; one of a chain, of which another stream knows nothing, is of none.
    package func refusing(_ frame: UInt64) -> WireError {
        guard code != .chainBroken else { return self }
        var error = self
        error.refusedFrame = frame
        return error
    }

    /// The RPC status that ends the stream.
    ///
    /// - `invalidField`, `outOfOrder`, `corrupt`: `invalidArgument`; a retry with the same bytes cannot help.
    /// - `tooLarge`: `resourceExhausted`; the agent must send smaller frames.
    /// - `gap`, `chainBroken`: `failedPrecondition`; the agent reconnects and starts at the sequence that `Welcome`
    ///   names, with new chains.
    /// - `denied`: `permissionDenied`; somebody must issue another certificate.
    /// - `storage`: `unavailable`; the agent keeps its spool and comes back after its back-off.
    package var rpcCode: RPCError.Code {
        switch code {
        case .invalidField, .outOfOrder, .corrupt: .invalidArgument
        case .tooLarge: .resourceExhausted
        case .gap, .chainBroken: .failedPrecondition
        case .denied: .permissionDenied
        case .storage: .unavailable
        }
    }

    /// The error as the RPC ends with it.
    package var rpcError: RPCError {
        var metadata = Metadata()
        if let refusedFrame { metadata.addString("\(refusedFrame)", forKey: Self.refusedFrameKey) }
        return RPCError(code: rpcCode, message: message, metadata: metadata)
    }

    /// The frame that a coordinator's status names as refused; nil when it names none.
    package static func refusedFrame(in error: RPCError) -> UInt64? {
        error.metadata[stringValues: refusedFrameKey].first { _ in true }.flatMap { UInt64($0) }
    }

    private static let refusedFrameKey = "tocsin-refused-frame"

    package var description: String { "\(code.rawValue): \(message)" }
}
