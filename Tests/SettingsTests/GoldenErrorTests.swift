import ConfigurationKit
import Testing

@Suite struct GoldenErrorTests {
    @Test(arguments: GoldenFiles.names(invalid: true))
    func everyErrorIsReportedWithItsPlace(name: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try GoldenFiles.warnings(name) }
        let actual = "\(try #require(error))\n"
        #expect(actual == (try GoldenFiles.golden(name, suffix: ".txt", actual: actual)))
        #expect(!actual.contains("hunter2"), "a secret is repeated")
        #expect(!actual.contains(GoldenFiles.environment["MALFORMED"] ?? ""), "a value of the environment is repeated")
    }

    @Test(arguments: GoldenFiles.names(invalid: false))
    func validFilesHaveTheWarningsWritten(name: String) throws {
        let warnings = try GoldenFiles.warnings(name)
        #expect(warnings.allSatisfy { $0.level == .warning })
        let actual = warnings.map { "\($0)\n" }.joined()
        #expect(actual == (try GoldenFiles.golden(name, suffix: ".warnings.txt", actual: actual)))
    }

    @Test func bothSidesAreThere() {
        #expect(GoldenFiles.names(invalid: true).count >= 20)
        #expect(GoldenFiles.names(invalid: false).count >= 9)
    }
}
