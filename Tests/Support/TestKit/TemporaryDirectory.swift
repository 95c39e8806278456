package import Foundation
import Glibc

/// A folder of a test's own, removed with everything in it when the object goes.
package final class TemporaryDirectory: Sendable {
    /// The folder.
    package let url: URL

    /// The folder's path, without a slash at the end.
    package var path: String { url.path }

    /// Makes an empty folder below the system's temporary one; the path stays short, since socket paths are bounded at
    /// 107 bytes.
    package init(_ prefix: String = "tocsin") throws {
        let name = "\(prefix)-\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
        url = URL(fileURLWithPath: NSTemporaryDirectory(), isDirectory: true).appendingPathComponent(
            name, isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        try Janitor.shared.remember(url.path)
    }

    deinit {
        // A folder that is gone already is what was wanted.
        try? FileManager.default.removeItem(at: url)
    }

    /// Writes a file into the folder and returns its path.
    package func write(_ text: String, to name: String, permissions: Int = 0o600) throws -> String {
        let file = url.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: file.path)
        return file.path
    }
}

/// A shell that outlives us, however we end, and then removes the folders that we left behind.
final class Janitor: Sendable {
    static let shared = Janitor()

    private let input: Int32?

    private init() {
        let script = """
            while IFS= read -r path; do set -- "$@" "$path"; done
            sleep 1
            rm -rf -- "$@"
            """
        let spawned = try? Spawner.shared.spawn(["/bin/sh", "-c", script], environment: ["PATH=/usr/bin:/bin"])
        if let spawned { _ = close(spawned.output) }
        input = spawned?.input
    }

    func remember(_ path: String) throws {
        guard let input else { throw ChildProcess.Failure(description: "the janitor did not start") }
        let line = Array((path + "\n").utf8)
        guard send(input, line, line.count, Int32(MSG_NOSIGNAL)) == line.count else {
            throw ChildProcess.Failure(description: "the janitor is gone: errno \(errno)")
        }
    }
}
