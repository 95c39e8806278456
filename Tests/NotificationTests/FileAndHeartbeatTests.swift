import CurlHTTP
import Foundation
import Incidents
import Notification
import Runbook
import Telemetry
import Testing
import TocsinTestKit

@Suite struct FileChannelTests {
    @Test func aLineOfJSONForEachSend() async throws {
        let folder = try TemporaryDirectory("tocsin-notices")
        let path = "\(folder.path)/notices.jsonl"
        let channel = FileChannel(path: path)
        #expect(await channel.deliver(Sample.send([Sample.notice("a")])) == .delivered)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        #expect(await channel.deliver(Sample.send([Sample.notice("b")])) == .delivered)
        #expect(await channel.deliver(Sample.send([Sample.notice("c")])) == .delivered)
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(try lines.map { try Sample.object(Array($0.utf8))["key"] as? String } == ["b", "c"])
    }

    @Test func aFolderThatIsNotThereIsTriedAgainLater() async throws {
        let outcome = await FileChannel(path: "/nowhere/notices.jsonl").deliver(Sample.send([Sample.notice()]))
        #expect(outcome == .failed(reason: "/nowhere/notices.jsonl cannot be written", after: nil))
    }
}

@Suite struct HeartbeatTests {
    private func progress(_ ingest: UInt64, _ detectors: UInt64, _ outbox: UInt64) -> Heartbeat.Progress {
        Heartbeat.Progress(ingest: ingest, detectors: detectors, outbox: outbox)
    }

    @Test func aBeatIsSentOnlyWhenAllHaveMovedSinceTheLast() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer()) }
        defer { server.stop() }
        let client = CurlHTTPClient()
        var heartbeat = Heartbeat(url: Sample.secret(server.url), http: client, start: progress(0, 0, 0))
        #expect(await heartbeat.beat(progress(5, 9, 1), at: Sample.at) == .sent)
        #expect(await heartbeat.beat(progress(6, 10, 1), at: Sample.at) == .withheld(stuck: ["outbox"]))
        #expect(await heartbeat.beat(progress(6, 10, 2), at: Sample.at) == .withheld(stuck: ["ingest", "detectors"]))
        #expect(await heartbeat.beat(progress(7, 11, 3), at: Sample.at) == .sent)
        #expect(server.requests.count == 2)
        let object = try Sample.object(try #require(server.requests.last).body)
        #expect(object["detectors"] as? Int == 11)
        await client.shutdown()
    }

    @Test func aReceiverThatFailsIsToldToTheCaller() async throws {
        let server = try CannedHTTPServer { _ in .bytes(CannedHTTPServer.answer(500)) }
        defer { server.stop() }
        let client = CurlHTTPClient()
        var heartbeat = Heartbeat(url: Sample.secret(server.url), http: client, start: progress(0, 0, 0))
        #expect(await heartbeat.beat(progress(1, 1, 1), at: Sample.at) == .failed(reason: "HTTP 500"))
        await client.shutdown()
    }
}
