import Dispatch
import Foundation
package import Runbook

/// Writes every send as one line of JSON to a file, or to the standard output: needs nobody and so never fails for want
/// of a network.
package final class FileChannel: NoticeChannel {
    private let path: String?
    /// Writing may block, on a full pipe for long: never on the cooperative pool, and one line after another.
    private let queue = DispatchQueue(label: "tocsin.notification.file")

    /// Makes a channel; nil writes to the standard output.
    package init(path: String?) {
        self.path = path
    }

    /// Appends the send's line; on the disk when this returns.
    package func deliver(_ send: OutboxMachine.Send) async -> OutboxMachine.Outcome {
        let line = Data(JSONText.encode(NoticeJSON(send)) + [10])
        return await withCheckedContinuation { continuation in
            queue.async { [path] in
                do {
                    try Self.append(line, to: path)
                    continuation.resume(returning: .delivered)
                } catch {
                    continuation.resume(
                        returning: .failed(reason: "\(path ?? "the output") cannot be written", after: nil))
                }
            }
        }
    }

    /// Opened for each line: the file may be moved away for rotation at any time.
    private static func append(_ line: Data, to path: String?) throws {
        guard let path else { return try FileHandle.standardOutput.write(contentsOf: line) }
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        _ = try handle.seekToEnd()
        try handle.write(contentsOf: line)
        try handle.synchronize()
    }
}
