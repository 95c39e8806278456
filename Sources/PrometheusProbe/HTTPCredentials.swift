import FoundationEssentials
package import Telemetry

/// How the probe logs in.
///
/// Files are read again at each use, so that a rotated secret is taken up.
package enum HTTPCredentials: Sendable, Hashable {
    /// No login.
    case none
    /// HTTP Basic with `USER:PASSWORD` from a file.
    ///
    /// Costs the application a password hash (about 100 ms of CPU) a request.
    case basic(file: String)
    /// A bearer token from a file.
    case bearer(file: String)

    /// Bound of a secret file.
    package static let fileBytesMax = 64 << 10

    /// Why a secret could not be used, without the secret.
    package struct Failure: Error {
        /// One sentence for people.
        package var message: String
    }

    /// The header fields of a request.
    package func headers() throws(Failure) -> [Label] {
        switch self {
        case .none: return []
        case .basic(let file):
            let pair = try Self.secret(file)
            guard pair.contains(":") else {
                throw Failure(message: "The secret file \(file) does not hold USER:PASSWORD.")
            }
            let bytes = Data(pair.utf8)
            return [Label("Authorization", "Basic " + bytes.base64EncodedString())]
        case .bearer(let file):
            return [Label("Authorization", "Bearer " + (try Self.secret(file)))]
        }
    }

    private static func secret(_ file: String) throws(Failure) -> String {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Failure(message: "The secret file \(file) cannot be read.")
        }
        guard data.count <= fileBytesMax, let text = String(data: data, encoding: .utf8) else {
            throw Failure(message: "The secret file \(file) is not a short text.")
        }
        // Editors and `kubectl create secret` leave a newline at the end; it is not part of the secret.
        var line = text[...]
        while let last = line.last, last.isNewline { line.removeLast() }
        guard !line.isEmpty, !line.contains(where: \.isNewline) else {
            throw Failure(message: "The secret file \(file) does not hold one line.")
        }
        return String(line)
    }
}
