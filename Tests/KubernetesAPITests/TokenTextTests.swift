import Foundation
import KubernetesAPI
import SystemPackage
import Testing

@Suite struct TokenTextTests {
    private func read(_ content: Data) throws -> Result<String, TokenText.Problem> {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("tocsin-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try content.write(to: URL(fileURLWithPath: path))
        return Result { () throws(TokenText.Problem) in try TokenText.read(FilePath(path)) }
    }

    @Test(arguments: ["ey.J.x", "ey.J.x\n", " \tey.J.x\r\n\n", "ey.J.x more"])
    func whiteSpaceIsNoPartOfIt(content: String) throws {
        #expect(try read(Data(content.utf8)) == .success("ey.J.x"))
    }

    @Test(arguments: ["", "\n", "ey\u{0}J", "ey\u{e9}J"])
    func whatNoHeaderFieldHoldsIsNone(content: String) throws {
        #expect(try read(Data(content.utf8)) == .failure(.noToken))
    }

    @Test func aFileIsReadUpToItsBound() throws {
        let longest = String(repeating: "x", count: TokenText.bytesMax)
        #expect(try read(Data(longest.utf8)) == .success(longest))
        #expect(try read(Data((longest + "x").utf8)) == .failure(.unreadable))
        // It has no end, and says that it has no bytes.
        #expect(throws: TokenText.Problem.unreadable) { try TokenText.read("/dev/zero") }
    }

    @Test(arguments: ["/nowhere/token", "/tmp"])
    func whatIsNoFileIsUnreadable(path: String) {
        #expect(throws: TokenText.Problem.unreadable) { try TokenText.read(FilePath(path)) }
    }
}
