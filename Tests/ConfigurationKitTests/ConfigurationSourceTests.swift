import ConfigurationKit
import Foundation
import Testing

@Suite struct ConfigurationSourceTests {
    private func source(_ text: String) -> ConfigurationSource {
        ConfigurationSource(file: "test.yaml", folder: ".", text: text)
    }

    private func refusal(_ text: String) -> String? {
        #expect(throws: ConfigurationError.self) { try ConfigurationFile.kind(of: source(text)) }?.description
    }

    private func inTemporaryFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tocsin-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test func aFileKnowsItsFolder() throws {
        try inTemporaryFolder { folder in
            let file = folder.appendingPathComponent("agent.yaml")
            try Data("kind: agent\n".utf8).write(to: file)
            let source = try ConfigurationSource(path: file.path)
            #expect(source.folder == folder.path)
            #expect(try ConfigurationFile.kind(of: source) == "agent")
        }
    }

    @Test func whatCannotBeReadIsRefused() throws {
        try inTemporaryFolder { folder in
            let error = #expect(throws: ConfigurationError.self) { try ConfigurationSource(path: folder.path) }
            #expect(error?.description == "\(folder.path):1:1: this is a folder, not a file")
            let binary = folder.appendingPathComponent("binary.yaml")
            try Data([0x6b, 0xff, 0xfe]).write(to: binary)
            let second = #expect(throws: ConfigurationError.self) { try ConfigurationSource(path: binary.path) }
            #expect(second?.description == "\(binary.path):1:1: the file is not UTF-8 text")
            let large = folder.appendingPathComponent("large.yaml")
            try Data(count: ConfigurationSource.bytesMax + 1).write(to: large)
            let third = #expect(throws: ConfigurationError.self) { try ConfigurationSource(path: large.path) }
            #expect(third?.description.contains("more than the 1048576 allowed") == true)
        }
    }

    @Test func aliasesCannotGrowWithoutBound() {
        var text = "kind: agent\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                + "]\n"
        }
        #expect(refusal(text)?.contains("more than 100000 values, aliases followed") == true)
    }

    @Test func aliasesAsKeysAreRefusedBeforeTheyAreHashed() {
        var text = "kind: agent\na0: &a0 [x, x]\n"
        for level in 1...40 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(refusal(text + "*a40 : 1\n") == "test.yaml:43:1: a key must be plain text")
        #expect(refusal(text + "? *a40\n: 1\n") == "test.yaml:43:1: a key must be plain text")
    }

    @Test(arguments: [100, 5000])
    func deepNestingIsRefused(depth: Int) {
        let text = "kind: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(refusal(text) != nil)
    }

    @Test func placesCountFromOneAndInScalars() {
        #expect(refusal("kind: agent\nä: [\n")?.hasPrefix("test.yaml:3:1: not valid YAML: ") == true)
        #expect(refusal("kind: \u{0}")?.hasPrefix("test.yaml:1:7: not valid YAML: ") == true)
    }

    @Test(arguments: ["kind: [agent]", "kind:", "kind: {env: KIND}", "kind: agnet", "node: x", "[]", "x", ""])
    func aFileHasAKind(text: String) {
        #expect(refusal(text) != nil)
    }
}
