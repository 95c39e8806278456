import Foundation
import Testing

@testable import KubernetesAPI

/// What is asked for next, without a server.
@Suite struct ListWatchMachineTests {
    private struct Thing: Decodable, Equatable {
        var name: String
    }

    private func page(_ names: [String], version: String = "7", next: String? = nil) throws -> ObjectPage<Thing> {
        let items = names.map { #"{"name":"\#($0)"}"# }.joined(separator: ",")
        let token = next.map { #","continue":"\#($0)""# } ?? ""
        let text = #"{"metadata":{"resourceVersion":"\#(version)"\#(token)},"items":[\#(items),{"other":1}]}"#
        return try JSONDecoder().decode(
            ObjectPage<Thing>.self, from: Data(text.replacing("[,", with: "[").utf8))
    }

    private func watching(sendsBookmarks: Bool) throws -> ListWatchMachine<Thing> {
        var machine = ListWatchMachine<Thing>(sendsBookmarks: sendsBookmarks)
        #expect(machine.request == .list(continuing: nil))
        #expect(machine.page(try page(["a"], next: "t"), known: 0) == nil)
        #expect(machine.request == .list(continuing: "t"))
        let snapshot = machine.page(try page(["b"]), known: 0)
        #expect(snapshot?.objects.map(\.name) == ["a", "b"] && snapshot?.isComplete == false)
        #expect(machine.request == .watch(since: "7"))
        return machine
    }

    @Test func `a watch goes on from its last line`() throws {
        var machine = try watching(sendsBookmarks: true)
        machine.advanced(to: "9")
        machine.ended(.cut)
        #expect(machine.request == .watch(since: "9"))
        // Without a line, too: bookmarks would have told of a version that is none.
        machine.ended(.closed)
        #expect(machine.request == .watch(since: "9"))
        machine.ended(.silent)
        #expect(machine.request == .list(continuing: nil))
    }

    @Test func `without bookmarks a quiet watch that ends in order leads to the list`() throws {
        var machine = try watching(sendsBookmarks: false)
        machine.advanced(to: "9")
        machine.ended(.closed)
        #expect(machine.request == .watch(since: "9"))
        machine.ended(.cut)
        #expect(machine.request == .watch(since: "9"), "a cut says nothing of the version")
        machine.ended(.closed)
        #expect(machine.request == .list(continuing: nil))
    }

    @Test(arguments: [401, 403]) func `rights have nothing to do with the version`(status: Int) throws {
        var machine = try watching(sendsBookmarks: true)
        for _ in 0..<10 { machine.ended(.refused(status: status, inLine: false)) }
        #expect(machine.request == .watch(since: "7"))
        machine.ended(.refused(status: 410, inLine: false))
        #expect(machine.request == .list(continuing: nil))
    }

    @Test func `an empty list is believed when a second one says the same`() throws {
        var machine = ListWatchMachine<Thing>(sendsBookmarks: true)
        let empty = try JSONDecoder().decode(
            ObjectPage<Thing>.self, from: Data(#"{"metadata":{"resourceVersion":"3"},"items":null}"#.utf8))
        #expect(machine.page(empty, known: 2) == nil)
        #expect(machine.request == .list(continuing: nil))
        #expect(machine.page(empty, known: 2)?.objects == [])
        #expect(machine.request == .watch(since: "3"))
    }

    @Test func `text is escaped for a query`() {
        #expect(QueryText.escaped("a-Z_0.9~") == "a-Z_0.9~")
        #expect(QueryText.escaped("a b/ä&=") == "a%20b%2F%C3%A4%26%3D")
    }
}
