import KubernetesAPI
import Synchronization
import SystemPackage

/// A token that others replace: a pod's projected one is, some time before its end.
final class TokenFile: Sendable {
    /// Why there is no token; without what the file holds.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

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
        do throws(TokenText.Problem) {
            return try TokenText.read(FilePath(path))
        } catch {
            switch error {
            case .unreadable: throw Failure(description: "the token file \(path) cannot be read")
            case .noToken: throw Failure(description: "the token file \(path) holds no token")
            }
        }
    }
}
