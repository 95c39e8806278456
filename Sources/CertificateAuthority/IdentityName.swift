/// A cluster, node or user name as one segment of an identity's path, percent-encoded as RFC 3986 section 2 has it.
enum IdentityName {
    /// Longest name in UTF-8 bytes, as for a DNS name.
    static let bytesMax = 253

    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    /// Encodes a name: all bytes but RFC 3986's unreserved ones as `%XX` with upper-case digits.
    ///
    /// Refuses with `invalidName` what an identity cannot hold: nothing, more than `bytesMax` bytes, control
    /// characters, and the dot segments `.` and `..`, which a reader of URIs may remove.
    static func encode(_ name: String) throws(CertificateAuthorityError) -> String {
        guard !name.isEmpty, name.utf8.count <= bytesMax else {
            throw CertificateAuthorityError(.invalidName, "a name has 1 to \(bytesMax) bytes, not \(name.utf8.count)")
        }
        guard name != ".", name != ".." else {
            throw CertificateAuthorityError(.invalidName, "'\(name)' is not a name")
        }
        guard !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw CertificateAuthorityError(.invalidName, "a name holds no control characters")
        }
        var bytes: [UInt8] = []
        for byte in name.utf8 {
            if isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Decodes a segment; nil unless `encode` would write the very same bytes, so that one name has one spelling.
    static func decode(_ segment: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = segment.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(byte)
            }
        }
        guard let name = String(validating: bytes, as: UTF8.self), let again = try? encode(name),
            again.utf8.elementsEqual(segment.utf8)
        else { return nil }
        return name
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        hexDigits.firstIndex(of: byte).map(UInt8.init)
    }
}
