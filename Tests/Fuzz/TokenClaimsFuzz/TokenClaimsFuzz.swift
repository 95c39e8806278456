import Foundation
import FuzzSupport
import Telemetry
import TokenAccess

/// One input: a token as it came; and the same bytes as what the middle of a well-formed one says.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzTokenClaims(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Fuzz.bytes(start, size)
    let middle = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
        .replacing("=", with: "")
    for token in [String(decoding: bytes, as: UTF8.self), "e30.\(middle).c2ln"] {
        guard let claims = TokenClaims(token) else { continue }
        precondition(token.utf8.count <= TokenClaims.bytesMax)
        if let end = claims.expiresAt { precondition(end.seconds >= 0 && end.seconds <= 253_402_300_800) }
        Fuzz.canary(claims.expiresAt != nil && claims.audiences.count > 1)
    }
    return 0
}
