import Testing

/// Each rule on a small sample that breaks it, since a rule that cannot fail is none.
@Suite struct CanaryTests {
    private func file(_ path: String = "Sources/Sample/Sample.swift", _ text: String) -> SwiftText {
        SwiftText(path: path, text)
    }

    private let table = ModuleTable(
        parsing: """
            let model: [Module] = [
                library("Model")
            ]
            let pureCores: [Module] = [
                library("Core", ["Model", "CSystem"]),
                library("Wrong", ["Adapter"]),
            ]
            let systemLibraries: [Module] = [
                Module(name: "CSystem", kind: .systemLibrary(pkgConfig: "x", apt: ["x-dev"]), path: "Sources/CSystem")
            ]
            let adapters: [Module] = [
                library(
                    "Adapter",
                    ["Model", "Core"], products: ["Yams"])
            ]
            let apps: [Module] = [
                library("AgentApp", ["Adapter", "Detection"], path: "agent/App"),
                library("CoordinatorApp", ["AgentApp"], path: "coordinator/App"),
                library("TocsinCLI", ["CoordinatorApp"]),
                library("Detection"),
            ]
            """)

    @Test func theTableOfTheSample() {
        #expect(
            table.modules.map(\.name).sorted() == [
                "Adapter", "AgentApp", "CSystem", "CoordinatorApp", "Core", "Detection", "Model", "TocsinCLI", "Wrong",
            ])
        #expect(table["Adapter"]?.uses == ["Model", "Core"])
        #expect(table["CSystem"]?.uses == [])
    }

    @Test func documentsThatNameWhatIsNotThereAreFound() {
        let decisions = [
            (path: "docs/decisions/0001-a.md", text: "# 1. A\n"), (path: "docs/decisions/0001-b.md", text: "# 1. B\n"),
            (path: "docs/decisions/0002-c.md", text: "# 3. C\n"), (path: "docs/decisions/C.md", text: "# 4. C\n"),
        ]
        #expect(
            DocumentRules.decisionViolations(decisions).map(\.path) == [
                "docs/decisions/0001-b.md", "docs/decisions/0002-c.md", "docs/decisions/C.md",
            ])
        let text = "as decision 1 says\nas decision 7 says\n"
        #expect(DocumentRules.referenceViolations(path: "a.md", text: text, decisions: [1]).map(\.line) == [2])
        let links = "[a](../proto/X.md#part)\n[b](gone.md)\n[c](#here)\n"
        let broken = DocumentRules.linkViolations(path: "docs/a.md", text: links) { $0 == "proto/X.md" }
        #expect(broken.map(\.line) == [2])
    }

    @Test func arrowsThatGoUpAreFound() {
        let reasons = LayerRules(table: table).tableViolations().map(\.reason)
        #expect(reasons.contains("Wrong (pureCores) must not use Adapter (adapters), which is above it"))
        #expect(reasons.contains("CoordinatorApp in coordinator/App must not reach AgentApp in agent/App"))
        #expect(reasons.contains("TocsinCLI in Sources/TocsinCLI must not reach CoordinatorApp in coordinator/App"))
        #expect(reasons.contains("AgentApp must not link Detection: it is the coordinator's"))
        #expect(reasons.count == 5, "\(reasons)")
    }

    @Test(arguments: [
        ("Sources/Core/A.swift", "import Foundation"), ("Sources/Core/A.swift", "package import Adapter"),
        ("Sources/Core/A.swift", "import FoundationEssentials"), ("Sources/Core/A.swift", "import Glibc"),
        ("Sources/Adapter/A.swift", "import Logging"), ("Sources/Adapter/A.swift", "import Yams"),
        ("Sources/Adapter/A.swift", "@preconcurrency import struct NIOCore.ByteBuffer"),
        ("agent/App/A.swift", "import CoordinatorApp"), ("Sources/Adapter/A.swift", "import struct Foundation.Data"),
    ])
    func importsThatAreNotDeclaredAreFound(path: String, line: String) {
        #expect(LayerRules(table: table).violations(file(path, "// first\n\(line)\n")).map(\.line) == [2])
    }

    @Test(arguments: [
        ("Sources/Core/A.swift", "package import Model"), ("Sources/Core/A.swift", "import Synchronization"),
        ("Sources/TocsinCLI/A.swift", "import struct Foundation.Data"),
        ("Sources/Adapter/A.swift", "// import Logging"),
        ("Sources/Adapter/A.swift", "let text = \"import Logging\""), ("elsewhere/A.swift", "import Logging"),
    ])
    func importsThatAreDeclaredPass(path: String, line: String) {
        #expect(LayerRules(table: table).violations(file(path, line + "\n")).isEmpty)
    }

    @Test(arguments: [
        "Task { await run() }", "let now = Date()", "let now = ContinuousClock.now", "values.randomElement()",
        "UInt64.random(in: 0...1)", "let text = \"\\(Date())\"",
    ])
    func impureCodeIsFound(line: String) {
        #expect(!TextRules.purity(file("", line)).isEmpty)
    }

    @Test(arguments: [
        "// Task { }", "let text = \"random\"", "let text = #\"Date() \\(x)\"#", "/* .now /* Date() */ random */",
    ])
    func wordsInCommentsAndTextPass(line: String) {
        #expect(TextRules.purity(file("", line)).isEmpty)
    }

    @Test func longLinesFunctionsAndFilesAreFound() {
        let line = String(repeating: "x", count: 121)
        #expect(TextRules.sizes(file("", line)).map(\.line) == [1])
        #expect(TextRules.sizes(file("", String(line.dropLast()))).isEmpty)
        #expect(TextRules.sizes(file("", "// " + line)).map(\.line) == [1])
        #expect(TextRules.sizes(file("", "\"" + line + "\"")).isEmpty)
        #expect(TextRules.sizes(file("", "\"" + line + line + "\"")).map(\.line) == [1])
        let body = { (lines: Int) in String(repeating: "    work()\n", count: lines) }
        #expect(
            TextRules.sizes(file("", "\nfunc long(\n    a: Int\n) -> Int\nwhere X {\n\(body(66))}\n")).map(\.line) == [
                2
            ])
        #expect(TextRules.sizes(file("", "func fits() {\n\(body(68))}\n")).isEmpty)
        #expect(TextRules.sizes(file("", "init?() {\n\(body(69))}\n")).count == 1)
        #expect(TextRules.sizes(file("", "protocol P {\n    func a()\n}\nlet x = [\n\(body(80))]\n")).isEmpty)
        #expect(TextRules.sizes(file("", "func braces() {\n    let a = \"}\" // }\n\(body(68))}\n")).count == 1)
        #expect(TextRules.sizes(file("", String(repeating: "\n", count: 501))).count == 1)
        #expect(TextRules.sizes(file("", String(repeating: "\n", count: 500))).isEmpty)
    }

    @Test(arguments: [
        "Task.detached { }", "let x = try! f()", "print(x)", "    print(\"x\")",
        "final class A: @unchecked Sendable {}",
        "// TO" + "DO: later", "let fix = 1 // FIX" + "ME",
    ])
    func bannedCodeIsFound(line: String) {
        #expect(TextRules.banned(file("Sources/Sample/A.swift", "let first = 1\n\(line)\n")).map(\.line) == [2])
    }

    @Test(arguments: [
        "try? f()", "fingerprint(x)", "log.print(x)", "let text = \"print(x)\"", "// Task.detached is never used",
        "// The lock guards all of it.\nfinal class A: @unchecked Sendable {}", "func print(_ x: Int) {}",
    ])
    func codeThatOnlyLooksBannedPasses(line: String) {
        #expect(TextRules.banned(file("Sources/Sample/A.swift", line)).isEmpty)
    }

    @Test func theCommandLineMayPrintAndTestsMayTry() {
        #expect(TextRules.banned(file("Sources/TocsinCLI/A.swift", "print(x)")).isEmpty)
        #expect(TextRules.banned(file("Tests/SampleTests/A.swift", "try! f()")).isEmpty)
    }

    @Test(arguments: [
        "package struct A {}", "    package static let a = 1", "@MainActor package func a() {}",
        "package init(a: Int) {}",
        "    package private(set) var a: Int", "// no doc\npackage var a = 1", "/// Far away.\n\npackage var a = 1",
        "package final class A {}", "/// Doc.\n@available(*, deprecated)\n\npackage enum A {}",
    ])
    func missingDocumentationIsFound(text: String) {
        #expect(TextRules.documentation(file("", text)).count == 1)
    }

    @Test(arguments: [
        "/// A.\npackage struct A {}", "/// A.\n@frozen\n@MainActor\npackage struct A {}", "package import Telemetry",
        "    package var description: String { \"\" }", "struct A {}", "package extension A {}",
        "package static func < (a: A, b: A) -> Bool { true }", "// package struct A {}",
    ])
    func documentationThatIsThereOrNotNeededPasses(text: String) {
        #expect(TextRules.documentation(file("", text)).isEmpty)
    }

    @Test func placesOfOneMachineAreFound() {
        for place in TextRules.machinePlaces + TextRules.mirrors {
            #expect(TextRules.machinePlaces(path: "README.md", text: "a\nsee \(place)x\n").map(\.line) == [2])
        }
        #expect(
            TextRules.machinePlaces(path: "README.md", text: "working at home, root cause, user/root/ana\n").isEmpty)
    }

    @Test func secretsAreFound() {
        let body = String(repeating: "MIIEvQ" + "IBADANBg", count: 4)
        let begin = "-----BEGIN " + "PRIVATE KEY-----"
        #expect(SecretRules.violations(path: "deploy/a.pem", text: "a\n\(begin)\n\(body)\n").map(\.line) == [2])
        #expect(SecretRules.violations(path: "Tests/a.pem", text: "\(begin)\n\(body)\n").count == 1)
        #expect(SecretRules.violations(path: "docs/a.md", text: "\(begin) is how one begins\n").isEmpty)
        let tokens = [
            "AK" + "IAQ3EGRZ7MNTXK4PLV", "gh" + "p_" + String(repeating: "a1B2", count: 9),
            "xo" + "xb-" + String(repeating: "12345-", count: 6), "ey" + "J" + body + ".ey" + "J" + body + ".x",
        ]
        for token in tokens {
            #expect(SecretRules.violations(path: "Tests/a.swift", text: "let a = \"\(token)\"").count == 1, "\(token)")
        }
        let keyed = [
            "pass" + "word: Tr0ub4dor&3xyz", "\"api_" + "key\": \"0123456789abcdef\"", "TO" + "KEN=ab12cd34ef56gh",
        ]
        for line in keyed {
            #expect(SecretRules.violations(path: "deploy/a.yaml", text: line).count == 1, "\(line)")
            #expect(SecretRules.violations(path: "Tests/a.yaml", text: line).isEmpty)
        }
        for line in [
            "passwordFile: secrets/password-1", "token: String", "password: {env: DB_PASSWORD_1}", "secret: changeme",
        ] {
            #expect(SecretRules.violations(path: "deploy/a.yaml", text: line).isEmpty, "\(line)")
        }
    }

    @Test func anotherHashWouldBeNoticed() throws {
        let hash = try Repository.run("sh", ["-c", "printf x | sha256sum"])
        #expect(hash.hasPrefix("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"))
        #expect(Repository.text("proto/Generated/INPUTS.sha256")?.hasPrefix(hash.prefix(64)) == false)
    }
}
