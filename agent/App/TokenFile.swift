import FoundationEssentials
import Synchronization

/// A token that others replace: a pod's projected one is, some time before its end.
final class TokenFile: Sendable {
    /// Why there is no token; without what the file holds.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Longest token that is read; those of service accounts have about 1 KB.
    private static let bytesMax = 16 << 10

    let path: String
    /// What was read last, for a call.
    private let shown = Mutex<String?>(nil)

    /// Names a file; nothing is read yet.
    init(path: String) {
        self.path = path
    }

    /// The token of now.
    func read() throws(Failure) -> String {
        let token = try contents()
        shown.withLock { $0 = token }
        return token
    }

    /// Whether the file holds another token than the one read last; false while it cannot be read, since the one shown
    /// goes on.
    var isReplaced: Bool {
        guard let shown = shown.withLock({ $0 }), let token = try? contents() else { return false }
        return token != shown
    }

    private func contents() throws(Failure) -> String {
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64
        guard let size, size <= Self.bytesMax, let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw Failure(description: "the token file \(path) cannot be read")
        }
        let token = String(decoding: data, as: UTF8.self).drop { $0.isWhitespace }.prefix { !$0.isWhitespace }
        // Anything but printable ASCII would break the header field; an empty file is a rotation gone wrong.
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Failure(description: "the token file \(path) holds no token")
        }
        return String(token)
    }
}
