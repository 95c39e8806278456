package import SystemPackage

/// A service account's token in a file that others replace some time before the token's end.
package enum TokenText {
    /// Why there is no token; without what the file holds.
    package enum Problem: Error, Hashable {
        /// The file is not there, must not be read, or is longer than `bytesMax`.
        case unreadable
        /// It is empty, or no header field can hold what it holds: a rotation gone wrong.
        case noToken
    }

    /// Longest file that is read; tokens of service accounts have about 1 KB.
    package static let bytesMax = 16 << 10

    /// The token of now, without the white space around it.
    package static func read(_ file: FilePath) throws(Problem) -> String {
        let token = String(decoding: try bytes(of: file), as: UTF8.self)
            .drop { $0.isWhitespace }.prefix { !$0.isWhitespace }
        // Anything but printable ASCII would break the header field.
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { throw .noToken }
        return String(token)
    }

    private static func bytes(of file: FilePath) throws(Problem) -> [UInt8] {
        let bytes = try? FileDescriptor.open(file, .readOnly).closeAfterReading(atMost: bytesMax + 1)
        guard let bytes, bytes.count <= bytesMax else { throw .unreadable }
        return bytes
    }
}

extension FileDescriptor {
    /// What is left of the file, up to so many bytes; closes it.
    fileprivate func closeAfterReading(atMost count: Int) throws -> [UInt8] {
        try closeAfter {
            var bytes = [UInt8](repeating: 0, count: count)
            var filled = 0
            while filled < count {
                let read = try bytes.withUnsafeMutableBytes { try self.read(into: .init(rebasing: $0[filled...])) }
                if read == 0 { break }
                filled += read
            }
            return Array(bytes[..<filled])
        }
    }
}
