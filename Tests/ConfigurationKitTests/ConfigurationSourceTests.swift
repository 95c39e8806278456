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

    @Test(arguments: [
        ("*a : 1", "3:1: a key must be plain text"), ("? *a\n: 1", "3:3: a key must be plain text"),
        ("? [x]\n: 1", "3:3: a key must be plain text"), ("{x: 1}: 1", "3:1: a key must be plain text"),
        ("<<: *a", "3:1: merge keys ('<<') are not supported; write the keys out"),
        ("b: *c", "3:4: not valid YAML: no '&c' stands before this alias"),
        ("b: &b [*b]", "3:8: not valid YAML: no '&b' stands before this alias"),
        ("b: 1\n'b': 2", "4:1: b: this key is already written at line 3"),
        ("b: {c: 1, d: {c: 3}, \"c\": 2}", "3:22: c: this key is written twice in one mapping"),
        ("---\nkind: agent", "3:1: not valid YAML: a file holds one document, this is a second"),
        ("b: [1, 2", "4:1: not valid YAML: did not find expected ',' or ']'"),
    ])
    func whatATreeCannotHoldIsRefused(text: String, refused: String) {
        #expect(refusal("kind: agent\na: &a {x: 1}\n\(text)\n")?.hasPrefix("test.yaml:\(refused)") == true)
    }

    @Test(arguments: [
        "a: &a agent\nkind: *a", "&k kind: agent\nb: *k", "? kind\n: agent", "%YAML 1.1\n---\nkind: agent\n...",
    ])
    func whatATreeHoldsIsRead(text: String) throws {
        #expect(try ConfigurationFile.kind(of: source(text)) == "agent")
    }

    @Test func aliasesCountTowardsTheDepth() {
        let half = { (inner: String) in
            String(repeating: "[", count: 40) + inner + String(repeating: "]", count: 40)
        }
        #expect(refusal("a: &a \(half("x"))\nkind: \(half("*a"))\n")?.contains("nested deeper than 64 levels") == true)
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
