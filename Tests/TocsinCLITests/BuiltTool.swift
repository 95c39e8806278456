import Foundation

/// Runs the built `tocsin` program, which lies beside the tests' own.
enum BuiltTool {
    struct Result: Sendable {
        var status: Int32
        var output: String
        var errors: String
    }

    static var path: String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("tocsin").path
    }

    /// Runs the tool with an environment of its own; the home holds no configuration unless a test puts one there.
    static func run(_ arguments: [String], home: String = "/nonexistent", environment: [String: String] = [:])
        async throws -> Result
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ["HOME": home, "USER": "tester", "TZ": "UTC"].merging(environment) { $1 }
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        // Outputs are far smaller than a pipe's buffer, so that reading them at the end cannot block the tool.
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { process in
                let text = (
                    output.fileHandleForReading.readDataToEndOfFile(), errors.fileHandleForReading.readDataToEndOfFile()
                )
                continuation.resume(
                    returning: Result(
                        status: process.terminationStatus, output: String(decoding: text.0, as: UTF8.self),
                        errors: String(decoding: text.1, as: UTF8.self)))
            }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }
}

/// A directory that is gone at the end of the test.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "tocsin-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
