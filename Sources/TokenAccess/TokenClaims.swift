import FoundationEssentials
package import Telemetry

/// What a JSON Web Token says of itself, which nobody has verified (RFC 7519).
///
/// Good for two things only: to refuse early what is past its end, and to say why an API server refused it.
package struct TokenClaims: Hashable, Sendable {
    /// Longest token that is looked at; service account tokens have about 1 KB.
    package static let bytesMax = 16 << 10

    /// When it ends; nil when it says no end.
    package var expiresAt: Timestamp?
    /// Whom it is for.
    package var audiences: Set<String>

    /// Reads a token's claims; nil for bytes that are no token of three parts with an object in the middle.
    package init?(_ token: String) {
        guard token.utf8.count <= Self.bytesMax, token.utf8.allSatisfy(Self.isTokenByte) else { return nil }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }), let payload = Self.decoded(parts[1]),
            let claims = try? JSONDecoder().decode(Payload.self, from: payload)
        else { return nil }
        // A year beyond 9999 is no date, and would not fit into milliseconds for long.
        expiresAt = claims.exp.flatMap { (0...253_402_300_800).contains($0) ? Timestamp(seconds: $0) : nil }
        audiences = Set(claims.aud?.names ?? [])
    }

    /// RFC 7515's base64url and the dot between parts.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func decoded(_ part: Substring) -> Data? {
        var text = part.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        text += Array(repeating: "=", count: (4 - text.count % 4) % 4)
        return Data(base64Encoded: String(text))
    }

    private struct Payload: Decodable {
        var exp: Double?
        var aud: Audience?
    }

    /// One name or a list of them.
    private struct Audience: Decodable {
        var names: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            names = try (try? container.decode([String].self)) ?? [container.decode(String.self)]
        }
    }
}
