import ConfigurationKit
import Testing

/// An entry that is checked on one machine and used on another.
private struct Entry: Sendable, Equatable {
    var name: String
    var port: Int
    var words: [String]
    var secret: SecretReference?
    var file: String?

    init(_ section: Section) {
        name = section.required("name", .text(), "Name.")
        port = section.value("port", .integer(in: 1...9999), default: 80, "Port.")
        words = section.values("words", .text(), "Words.")
        secret = section.secret("secret", "the secret.")
        file = section.optionalFile("file", "File.")
    }
}

struct RemoteSectionTests {
    private func load(_ text: String) throws -> Loaded<[RemoteSection<Entry>]> {
        let source = ConfigurationSource(file: "plan.yaml", folder: "/here", text: "kind: agent\n" + text)
        return try ConfigurationFile.decode(source, kind: "agent", environment: [:]) { file in
            file.remoteSections("entries", uniqueKey: "name", "Entries.", Entry.init)
        }
    }

    @Test(arguments: [
        #"{name: a, port: 8080}"#,
        ##"{name: "8080", words: ["x, y", "{z}", 'it''s', "a: b", "# c", "\"q\\\"", "ü"]}"##,
        #"{name: a, secret: {env: NOT_SET_HERE}, file: there.pem}"#,
    ])
    func decodesElsewhereToTheSame(text: String) throws {
        let loaded = try load("entries:\n  - \(text)\n")
        let entry = try #require(loaded.value.first)
        let there = try ConfigurationFile.decodePart(
            entry.text, name: "entry", folder: "/here", environment: ["NOT_SET_HERE": "x"], Entry.init)
        #expect(there == entry.value)
        #expect(loaded.warnings.isEmpty && loaded.missingFiles().isEmpty, "its files are not looked for here")
    }

    @Test func aMistakeIsReportedHereAtItsPlace() {
        let error = #expect(throws: ConfigurationError.self) {
            try load("entries:\n  - name: a\n    prot: 1\n  - name: a\n    file: {env: PORT}\n")
        }
        let text = error?.issues.map(\.description).joined(separator: "\n") ?? ""
        #expect(text.contains("plan.yaml:4:5"))
        #expect(text.contains("unknown key"))
        #expect(text.contains("already used at line 3"))
        #expect(text.contains("no environment variable can stand here"))
    }

    @Test func whatCannotBeUsedThereSaysSoThere() {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.decodePart(
                #"{"name": "a", "secret": {"env": "GONE"}}"#, name: "postgresql/a", folder: "/", environment: [:],
                Entry.init)
        }
        #expect(error?.issues.first?.description.contains("'GONE' is not set") == true)
    }
}
