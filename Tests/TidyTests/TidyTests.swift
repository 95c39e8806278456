import Foundation
import Testing

/// The house rules, each on the whole repository and on a sample that breaks it.
@Suite struct TidyTests {
    private static let product = ["Sources", "agent", "coordinator"]
    private static let all = product + ["Tests", "Package.swift"]

    private static let table: ModuleTable = ModuleTable(parsing: Repository.text("Package.swift") ?? "")

    private static let pureFolders = table.modules.filter { $0.layer <= .pureCores && $0.layer != .systemLibraries }
        .map(\.path)

    private func expectNone(_ violations: [Violation]) {
        #expect(violations.isEmpty, "\n\(violations.map(\.description).joined(separator: "\n"))")
    }

    // MARK: Layers

    @Test func theTableIsReadWhole() {
        #expect(Self.table.modules.count >= 50)
        #expect(Self.table["Telemetry"]?.layer == .model)
        #expect(Self.table["SampleCodec"]?.uses == ["Telemetry", "CZlib"])
        #expect(Self.table["SQLiteFile"]?.products == ["GRDB"])
        #expect(Self.table["AgentApp"]?.path == "agent/App")
        #expect(Self.table["TocsinProto"]?.path == "proto")
        #expect(Self.table["TidyTests"]?.path == "Tests/TidyTests")
        // A row that the reader misread would have a folder that is not there.
        for module in Self.table.modules {
            let hasFiles = Repository.files.contains { $0.hasPrefix(module.path + "/") }
            #expect(hasFiles, "\(module.name) has no files in \(module.path)")
        }
    }

    @Test func arrowsGoDown() {
        expectNone(LayerRules(table: Self.table).tableViolations())
    }

    @Test func importsAreDeclared() {
        let rules = LayerRules(table: Self.table)
        expectNone(Repository.swiftFiles(under: Self.product + ["Tests"]).flatMap(rules.violations))
    }

    @Test func everyFileBelongsToAModule() {
        let lost = Repository.swiftFiles(under: Self.product + ["Tests"]).filter { file in
            // Harnesses of the fuzzer are built by Tests/Fuzz/run.sh alone: a group of modules of their own.
            !file.path.hasPrefix("Tests/Fuzz/") && !Self.table.modules.contains { file.path.hasPrefix($0.path + "/") }
        }
        #expect(lost.map(\.path) == [])
    }

    @Test func pureCoresArePure() {
        let files = Repository.swiftFiles(under: Self.pureFolders)
        #expect(files.count > 20)
        expectNone(files.flatMap { PurityExceptions.without($0, TextRules.purity($0)) })
    }

    // MARK: Text

    @Test func sizesAreKept() {
        expectNone(Repository.swiftFiles(under: Self.all).flatMap(TextRules.sizes))
    }

    @Test func nothingBannedIsUsed() {
        expectNone(Repository.swiftFiles(under: Self.product + ["Tests"]).flatMap(TextRules.banned))
    }

    @Test func packageDeclarationsAreDocumented() {
        expectNone(Repository.swiftFiles(under: Self.product).flatMap(TextRules.documentation))
    }

    @Test func noFileNamesAPlaceOfOneMachine() {
        let violations = Repository.files.filter { !$0.hasSuffix(".gz") }.flatMap { path in
            Repository.text(path).map { TextRules.machinePlaces(path: path, text: $0) } ?? []
        }
        expectNone(violations)
    }

    @Test func noFileHoldsASecret() {
        // Captures are compressed: what is secret in one is as public as in a text.
        let texts = Repository.files.compactMap { path -> (String, String)? in
            let text = path.hasSuffix(".gz") ? try? Repository.run("zcat", [path]) : Repository.text(path)
            return text.map { (path, $0) }
        }
        #expect(texts.count > 500)
        expectNone(texts.flatMap { SecretRules.violations(path: $0, text: $1) })
    }

    @Test func whatDocumentsNameIsThere() {
        let decisions = Repository.files.filter { $0.hasPrefix("docs/decisions/") }.compactMap { path in
            Repository.text(path).map { (path: path, text: $0) }
        }
        #expect(decisions.count > 10)
        expectNone(DocumentRules.decisionViolations(decisions))
        let numbers = Set(decisions.compactMap { DocumentRules.decisionNumber($0.path) })
        for path in Repository.files where path.hasSuffix(".md") || path.hasSuffix(".swift") {
            guard !path.hasPrefix("Tests/TidyTests/"), let text = Repository.text(path) else { continue }
            expectNone(DocumentRules.referenceViolations(path: path, text: text, decisions: numbers))
            guard path.hasSuffix(".md") else { continue }
            expectNone(
                DocumentRules.linkViolations(path: path, text: text) { target in
                    FileManager.default.fileExists(atPath: Repository.root.appendingPathComponent(target).path)
                })
        }
    }

    @Test func generatedCodeIsOfTheseDefinitions() throws {
        let committed = try #require(Repository.text("proto/Generated/INPUTS.sha256"))
        let hash = try Repository.run("sh", ["-c", "cat proto/tocsin/v1/*.proto proto/generate.sh | sha256sum"])
        #expect(committed.prefix(64) == hash.prefix(64), "run `make proto`")
        #expect(hash.prefix { $0 != " " }.count == 64)
    }
}

/// Lines that break purity to the letter and not in spirit, each with the reason.
enum PurityExceptions {
    /// Path and what it may hold.
    static let allowed: [(path: String, word: String, because: String)] =
        [
            ("Sources/FlowControl/Backoff.swift", "random", "it draws from the generator that its caller gives")
        ]
        + ["Task {", "(.now", " .now", "Clock.now", "Task.sleep", "ContinuousClock"].map {
            ("Sources/Probing/ProbeRunner.swift", $0, "it is the shell of ProbeSchedule, which stays pure")
        }

    static func without(_ file: SwiftText, _ violations: [Violation]) -> [Violation] {
        violations.filter { violation in
            !allowed.contains { file.path == $0.path && violation.reason.contains("'\($0.word)'") }
        }
    }
}
