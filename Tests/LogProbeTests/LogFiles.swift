import Foundation

@testable import LogProbe

/// A folder for a test's logs, removed at its end.
final class LogFolder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("logs-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Appends bytes to a file, which is made with its folder where it is not there.
    func append(_ bytes: [UInt8], to name: String) throws {
        let folder = url.appendingPathComponent(name).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let descriptor = open(path(name), O_WRONLY | O_APPEND | O_CREAT, 0o644)
        defer { close(descriptor) }
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw CocoaError(.fileWriteUnknown) }
    }

    func append(_ text: String, to name: String) throws { try append(Array(text.utf8), to: name) }
}

/// Lines of a tail, as far as there are.
func lines(_ tail: LogTail, bytesMax: Int = .max / 2, bufferBytes: Int = 4096) -> [String] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 16)
    defer { buffer.deallocate() }
    var lines: [String] = []
    _ = tail.read(bytesMax: bytesMax, buffer: buffer) { lines.append(String(decoding: $0, as: UTF8.self)) }
    return lines
}
