import ConfigurationKit
import Foundation
import Testing

/// A small file of its own, so that the reader is tested apart from the product's files.
private struct Plan: Sendable, Equatable {
    var name: String
    var size: Int
    var tags: [String]
    var steps: [Step]
    var rooms: [String: Int]
    var note: String?

    struct Step: Sendable, Equatable {
        var title: String
        var wait: Duration
    }

    init(_ section: Section) {
        name = section.required("name", .name(), "Name.")
        size = section.value("size", .integer(in: 1...10), default: 3, "Size.")
        tags = section.values("tags", .text(), countMax: 3, "Tags.")
        steps = section.sections("steps", uniqueKey: "title", countMax: 2, "Steps.") { step in
            Step(
                title: step.required("title", .text(), "Title."),
                wait: step.value("wait", .duration(in: .zero ... .seconds(60)), default: .seconds(1), "Wait."))
        }
        let named = section.namedSections("rooms", countMax: 2, nameDoc: "a room", "Rooms.") { _, room in
            room.value("seats", .integer(in: 0...100), default: 0, "Seats.")
        }
        rooms = Dictionary(uniqueKeysWithValues: named.map { ($0.name, $0.value) })
        note = section.optional("note", .text(), "Note.")
    }
}

@Suite struct SectionTests {
    private func decode(_ text: String, environment: [String: String] = [:]) throws -> Plan {
        let source = ConfigurationSource(file: "plan.yaml", folder: ".", text: "kind: agent\n" + text)
        return try ConfigurationFile.decode(source, kind: "agent", environment: environment, Plan.init).value
    }

    private func errors(_ text: String) -> [String] {
        let error = #expect(throws: ConfigurationError.self) { try decode(text) }
        return error?.issues.map(\.description) ?? []
    }

    @Test func allShapesAreRead() throws {
        let plan = try decode(
            """
            name: {env: PLAN}
            tags: [a, "b c"]
            steps:
              - {title: one}
              - {title: two, wait: 5s}
            rooms: {blue: {seats: 4}, red: {}}
            """, environment: ["PLAN": "first"])
        #expect(plan.name == "first")
        #expect(plan.size == 3)
        #expect(plan.tags == ["a", "b c"])
        #expect(plan.steps == [.init(title: "one", wait: .seconds(1)), .init(title: "two", wait: .seconds(5))])
        #expect(plan.rooms == ["blue": 4, "red": 0])
        #expect(plan.note == nil)
    }

    @Test func allErrorsComeAtOnceAndInOrder() {
        #expect(
            errors(
                """
                nam: x
                size: 11
                tags: [a, [b], ""]
                steps:
                  - {title: one, wiat: 5s}
                  - {title: one}
                rooms: {blue: {seats: "4"}}
                """) == [
                    "plan.yaml:1:1: name: this key is required and missing (name)",
                    "plan.yaml:2:1: nam: unknown key; did you mean 'name'?",
                    "plan.yaml:3:7: size: value '11': must be 1 to 10",
                    "plan.yaml:4:11: tags[1]: expected: text; found a list",
                    "plan.yaml:4:16: tags[2]: value '': must not be empty",
                    "plan.yaml:6:18: steps[0].wiat: unknown key; did you mean 'wait'?",
                    "plan.yaml:7:13: steps[1].title: value 'one': is already used at line 6",
                    "plan.yaml:8:23: rooms.blue.seats: value '4': must be a whole number, without quotes",
                ])
    }

    @Test func listsAreBounded() {
        let found = errors(
            "name: x\ntags: [a, b, c, d]\nsteps: [{title: a}, {title: b}, {title: c}]\nrooms: {a: {}, b: {}, c: {}}\n")
        #expect(
            found == [
                "plan.yaml:3:7: tags: has 4 entries, more than the 3 allowed",
                "plan.yaml:4:8: steps: has 3 entries, more than the 2 allowed",
                "plan.yaml:5:8: rooms: has 3 entries, more than the 2 allowed",
            ])
    }

    @Test func errorsAreBounded() {
        let keys = (0..<500).map { "key\($0)x: 1\n" }.joined()
        let error = #expect(throws: ConfigurationError.self) { try decode("name: x\n" + keys) }
        #expect(error?.issues.count == ConfigurationError.issuesMax)
        #expect(error?.issues.last?.reason == "there are more errors; these come first")
    }

    @Test func longAndUnprintableValuesAreShortened() {
        let found = errors("name: x\nsize: \"\(String(repeating: "9", count: 100))\"\nnote: \"a\\tb\"\n")
        #expect(found.contains { $0.contains("value '\(String(repeating: "9", count: 80))…'") })
        #expect(found.contains { $0.contains("value 'a b': must be one line") })
    }

    @Test func aWarningSaysSo() {
        let issue = ConfigurationIssue(
            .warning, at: Origin(file: "a.yaml", line: 3, column: 7), keyPath: "x.y", value: "1", reason: "doubtful",
            suggestion: "2")
        #expect(issue.description == "a.yaml:3:7: warning: x.y: value '1': doubtful; did you mean '2'?")
    }

    @Test func descriptionsComeFromTheSameDeclarations() throws {
        let description = ConfigurationFile.describe(kind: "agent", fileName: "plan.yaml", doc: "A plan.", Plan.init)
        #expect(description.fields.map(\.key) == ["name", "size", "tags", "steps", "rooms", "note"])
        #expect(description.fields.map(\.isRequired) == [true, false, false, false, false, false])
        #expect(description.fields[1].defaultText == "3")
        let page = SettingsReference.markdown([description])
        #expect(page.contains("| `steps[].wait` | duration, 0s to 1m | `1s` | Wait. |\n"))
        #expect(page.contains("| `rooms.NAME.seats` | whole number, 0 to 100 | `0` | Seats. |\n"))
        #expect(page.contains("| `name` | name, 1 to 63 of `A-Z a-z 0-9 - . _` | **required** | Name. |\n"))
    }
}

@Suite struct JSONValueTests {
    @Test func whatIsWrittenIsReadBack() throws {
        let value = JSONValue.record([
            "text": .string("a\"b\\c\nd\u{1}é"), "number": .number(2.5), "whole": .number(5), "yes": .bool(true),
            "list": .array([.number(1), .string("x")]), "empty": .object([]), "none": .array([]),
        ])
        let data = Data(value.rendered().utf8)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(object["text"] as? String == "a\"b\\c\nd\u{1}é")
        #expect(object["number"] as? Double == 2.5)
        #expect(object["whole"] as? Int == 5)
        #expect(object["yes"] as? Bool == true)
        #expect((object["list"] as? [Any])?.count == 2)
        #expect((object["empty"] as? [String: Any])?.isEmpty == true)
        #expect((object["none"] as? [Any])?.isEmpty == true)
    }
}
