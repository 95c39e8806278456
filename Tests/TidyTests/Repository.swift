import Foundation

/// The files of the repository, as the rules read them.
enum Repository {
    /// The folder of `Package.swift`.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Paths from the root of all tracked files and of those that would be tracked, sorted.
    static let files: [String] = {
        // Outside a working copy of git, such as an unpacked archive, whatever is there counts.
        let listed = try? run("git", ["ls-files", "--cached", "--others", "--exclude-standard"])
        let paths = listed?.split(separator: "\n").map(String.init) ?? walked()
        return paths.filter { FileManager.default.fileExists(atPath: root.appendingPathComponent($0).path) }.sorted()
    }()

    /// Swift files under the given folders, without generated ones.
    static func swiftFiles(under folders: [String]) -> [SwiftText] {
        swiftFiles.filter { file in folders.contains { file.path.hasPrefix($0 + "/") || file.path == $0 } }
    }

    private static let swiftFiles: [SwiftText] = files.filter { path in
        path.hasSuffix(".swift") && !path.hasPrefix("proto/Generated/")
    }.compactMap { path in text(path).map { SwiftText(path: path, $0) } }

    /// The text of a file; nil when it is not UTF-8.
    static func text(_ path: String) -> String? {
        (try? Data(contentsOf: root.appendingPathComponent(path))).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Runs a program in the root and gives what it prints; throws when it fails.
    static func run(_ program: String, _ arguments: [String]) throws -> String {
        struct Failed: Error { var status: Int32 }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.currentDirectoryURL = root
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(status: process.terminationStatus) }
        return String(decoding: data, as: UTF8.self)
    }

    private static func walked() -> [String] {
        let enumerator = FileManager.default.enumerator(atPath: root.path)
        var paths: [String] = []
        while let path = enumerator?.nextObject() as? String {
            if path.hasPrefix(".build") || path.hasPrefix(".git/") { continue }
            paths.append(path)
        }
        return paths
    }
}

/// One breach of a rule.
struct Violation: Hashable, CustomStringConvertible {
    var path: String
    var line: Int
    var reason: String

    var description: String { "\(path):\(line): \(reason)" }
}
