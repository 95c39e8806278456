import ConfigurationKit
import Foundation
import Testing

@Suite struct SecretReferenceTests {
    private func withFile(_ content: Data, _ body: (String) throws -> Void) throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("tocsin-\(UUID().uuidString)")
        try content.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try body(file.path)
    }

    @Test(arguments: [
        ("secret", "secret"), ("secret\n", "secret"), ("secret\r\n", "secret"), ("a\nb\n\n", "a\nb\n"), (" x ", " x "),
    ])
    func aNewlineAtTheEndIsDropped(content: String, expected: String) throws {
        try withFile(Data(content.utf8)) { path in
            let secret = try SecretReference.file(path).read(environment: [:])
            #expect(secret == expected)
        }
    }

    @Test(arguments: [Data(), Data("\n".utf8), Data([0xff]), Data(count: SecretReference.bytesMax + 1)])
    func whatIsNoSecretIsRefused(content: Data) throws {
        try withFile(content) { path in
            #expect(throws: SecretError.self) { try SecretReference.file(path).read(environment: [:]) }
        }
    }

    @Test func aRotatedFileTakesEffect() throws {
        try withFile(Data("old".utf8)) { path in
            let reference = SecretReference.file(path)
            let before = try reference.read(environment: [:])
            #expect(before == "old")
            try Data("new".utf8).write(to: URL(fileURLWithPath: path))
            let after = try reference.read(environment: [:])
            #expect(after == "new")
        }
    }

    @Test func theEnvironmentIsLookedUp() throws {
        #expect(try SecretReference.environment("TOKEN").read(environment: ["TOKEN": "x"]) == "x")
        let error = #expect(throws: SecretError.self) {
            try SecretReference.environment("TOKEN").read(environment: ["TOKEN": ""])
        }
        #expect(error?.description == "the environment variable 'TOKEN' is not set")
    }

    @Test func aMissingFileIsNamed() {
        let error = #expect(throws: SecretError.self) { try SecretReference.file("/nowhere/x").read(environment: [:]) }
        #expect(error?.description == "the file '/nowhere/x' cannot be read")
    }
}
