import Foundation

enum Fixture {
    static func text(_ name: String, file: String = #filePath) throws -> String {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: folder.appendingPathComponent("Fixtures/host/\(name)"), encoding: .utf8)
    }
}
