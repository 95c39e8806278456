import Foundation
import KubeletReplay
import Testing
import TocsinTestKit

@testable import PodProbe

@Suite struct KubeletPodListTests {
    private static let body = Result { try CaptureFile.read("\(Captures.directory)/replay/pods.12.json.gz") }

    private static func decode(_ bytes: [UInt8]) -> KubeletPodList? {
        try? JSONDecoder().decode(KubeletPodList.self, from: Data(bytes))
    }

    @Test func `the first answer of a kubelet has no pods`() throws {
        let bytes = try CaptureFile.read("\(Captures.directory)/kubelet/pods-just-after-kubelet-start.json")
        let list = try #require(Self.decode(bytes))
        #expect(list.pods.isEmpty && list.unreadable == 0)
    }

    @Test func `no part of a list passes for a list`() throws {
        let body = try Self.body.get()
        #expect(Self.decode(body)?.pods.isEmpty == false)
        for length in stride(from: 0, to: body.count, by: body.count / 97) {
            #expect(Self.decode(Array(body[..<length])) == nil, "\(length) bytes")
        }
    }

    @Test func `damaged lists are read or refused, never more`() throws {
        var generator = SeededRandom(seed: 7)
        let body = try Self.body.get()
        let count = try #require(Self.decode(body)).pods.count
        for _ in 0..<100 {
            var damaged = body
            for _ in 0..<4 {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if let list = Self.decode(damaged) { #expect(list.pods.count + list.unreadable <= count + 4) }
        }
    }

    @Test(arguments: ["[", #"{"items":["#, #"{"items":[{"metadata":"#])
    func `deep nesting is refused`(opening: String) {
        #expect(Self.decode(Array(String(repeating: opening, count: 20_000).utf8)) == nil)
    }
}
