import ConfigurationKit
import CoordinatorSettings
import Foundation
import Testing

/// `coordinator.yaml` checked with the thresholds and the templates that it names.
@Suite final class CoordinatorFilesTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "tocsin-files-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/templates", withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    @discardableResult
    private func write(_ text: String, to name: String) throws -> String {
        let path = "\(folder)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func coordinator(armed: Bool, contacts: String, more: String = "") throws -> String {
        try write(
            """
            kind: coordinator
            tls: {certificateFile: a.crt, keyFile: a.key, trustRootsFile: ca.crt}
            channels:
              chat: {type: file, path: chat.jsonl}
            contacts:
            \(contacts)
            notifications:
              armed: \(armed)
            \(more)
            """, to: "coordinator.yaml")
    }

    private func thresholds(_ roles: [String]) throws {
        let rows = ["P1", "P2", "P3", "P4"].map { level in
            let steps = roles.enumerated().map { "    - {after: \($0 * 10)m, role: \($1)}\n" }.joined()
            return "  \(level):\n    steps:\n\(steps)"
        }
        let nobody = "  families:\n    database: {role: \"-\"}\n    security: {role: \"-\"}\n"
        try write("kind: thresholds\nescalation:\n\(rows.joined())\(nobody)", to: "thresholds.yaml")
    }

    private let desk = "  Desk: {name: the rota, channels: [chat]}"

    /// Issues of `check`, and of `load`, which a start and `--dry-run` call; both must say the same.
    private func issues(_ path: String) throws -> [ConfigurationIssue] {
        func of(_ body: () throws(ConfigurationError) -> [ConfigurationIssue]) -> [ConfigurationIssue] {
            do throws(ConfigurationError) { return try body() } catch { return error.issues }
        }
        let source = try ConfigurationSource(path: path)
        let checked = of { () throws(ConfigurationError) in try CoordinatorFiles.check(source, environment: [:]) }
        let loaded = of { () throws(ConfigurationError) in
            try CoordinatorFiles.load(path: path, environment: [:]).warnings
        }
        #expect(checked == loaded)
        return checked.filter { $0.reason != "there is no such file" }
    }

    private func line(_ issue: ConfigurationIssue) -> String {
        "\(issue.level.rawValue) \(issue.origin.description.replacing(folder + "/", with: "")) \(issue.reason)"
            + (issue.suggestion.map { " -> \($0)" } ?? "")
    }

    @Test func whatFitsTogetherIsFine() throws {
        try thresholds(["Desk"])
        #expect(try issues(coordinator(armed: true, contacts: desk)).isEmpty)
    }

    @Test func aStepThatCallsAnUnknownContactIsNamedWhereItStands() throws {
        try thresholds(["Desk", "Deks"])
        let found = try issues(coordinator(armed: true, contacts: desk)).map(line)
        #expect(
            found == [
                "error thresholds.yaml:6:26 the escalation matrix calls 'Deks', and 'contacts' has nobody of that role"
                    + " -> Desk"
            ])
    }

    @Test func withoutBeingArmedItIsADoubt() throws {
        try thresholds(["Desk", "Boss"])
        let found = try issues(coordinator(armed: false, contacts: desk)).map(line)
        #expect(
            found == [
                "warning thresholds.yaml:6:26 the escalation matrix calls 'Boss', and 'contacts' has nobody of that role;"
                    + " escalation cannot be armed"
            ])
        let nobody = "  Desk: {name: the rota}\n  Boss: {name: Grace, channels: [chat]}"
        #expect(
            try issues(coordinator(armed: false, contacts: nobody)).map(line) == [
                "warning coordinator.yaml:6:9 no channel reaches this contact; escalation cannot be armed"
            ])
    }

    @Test func aContactThatNothingCallsIsADoubt() throws {
        try thresholds(["Desk"])
        let found = try issues(coordinator(armed: true, contacts: desk + "\n  Dsek: {name: Ada, channels: [chat]}"))
        #expect(
            found.map(line) == ["warning coordinator.yaml:7:9 nothing in 'escalation' calls this role -> Desk"])
    }

    @Test func placeholdersStopWhatIsArmed() throws {
        try thresholds(["Desk"])
        let found = try issues(coordinator(armed: true, contacts: "  Desk: {name: \"[Name]\", channels: [chat]}"))
        #expect(found.map(\.level) == [.error])
        #expect(found.first?.reason == "a placeholder cannot be called: escalation is not armed with it")
    }

    @Test func templatesAreReadAndTheirNamesChecked() throws {
        try thresholds(["Desk"])
        try write(
            "{{severity}} for {{servise}}\n{{#updateMinutes}}{{.}}{{/updateMinutes}}\n",
            to: "templates/initial.mustache")
        try write("{{title}}\n{{#impact}}\nnever closed", to: "templates/update.mustache")
        try write(
            "{{#timeline}}{{tex}} {{title}}{{/timeline}}{{^levels}}-{{/levels}}{{timeline}}{{> head}}",
            to: "templates/report.mustache")
        try write("{{#timeline}}{{text}}{{/timeline}}", to: "templates/customer.mustache")
        try write("x", to: "templates/resolutoin.mustache")
        let path = try coordinator(armed: true, contacts: desk, more: "  templatesDirectory: templates")
        let found = try issues(path).map(line)
        #expect(
            found == [
                "error templates/customer.mustache:1:1 there is nothing of this name",
                "error templates/customer.mustache:1:14 there is nothing of this name",
                "error templates/initial.mustache:1:18 there is nothing of this name -> service",
                "error templates/report.mustache:1:14 there is nothing of this name -> text",
                "error templates/report.mustache:1:67 it is a list: {{#timeline}} … {{/timeline}}",
                "error templates/report.mustache:1:79 a message has no parts in other files",
                "warning templates/resolutoin.mustache:1:1 there is no message of this kind -> resolution",
                "error templates/update.mustache:3:13 is no Mustache: a section is never closed",
            ], "\(found.joined(separator: "\n"))")
    }

    @Test func theShippedTemplatesUseNoNameThatNobodyKnows() throws {
        try thresholds(["Desk"])
        let path = try coordinator(
            armed: true, contacts: desk,
            more: "  templatesDirectory: \(GoldenFiles.root.appendingPathComponent("deploy/templates").path)")
        #expect(try issues(path).isEmpty)
    }

    @Test func whatIsNotThereYetIsADoubt() throws {
        let path = try coordinator(armed: true, contacts: desk, more: "  templatesDirectory: nowhere")
        let found = try CoordinatorFiles.check(ConfigurationSource(path: path), environment: [:])
        #expect(found.last.map(line) == "warning nowhere:1:1 there is no such folder of templates")
        try write("kind: thresholds\nchecks: 7\n", to: "thresholds.yaml")
        let refusal = #expect(throws: ConfigurationError.self) {
            try CoordinatorFiles.check(ConfigurationSource(path: path), environment: [:])
        }
        #expect(refusal?.issues.first?.origin.file == folder + "/thresholds.yaml")
    }
}
