import Foundation
import Testing
import TocsinTestKit

/// An agent whose clock jumps an hour ahead under a running stream.
///
/// The clock is libfaketime's, which reads its offset anew from a file; the coordinator's is the machine's. A jump back
/// is left to `ClockOffset`'s own tests: the library shifts the timers of a process, too, and holds them up by it.
@Suite(.serialized)
struct ClockJumpTests {
    private struct Clock {
        let file: String

        init(in folder: TemporaryDirectory) throws {
            file = folder.path + "/clock"
            try set("+0")
        }

        func set(_ offset: String) throws {
            try (offset + "\n").write(toFile: file, atomically: true, encoding: .utf8)
        }

        var variables: [String: String] {
            get throws {
                let folders = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
                let library = folders.map { "/usr/lib/\($0)/faketime/libfaketimeMT.so.1" }
                    .first { FileManager.default.fileExists(atPath: $0) }
                return [
                    "LD_PRELOAD": try #require(library, "libfaketime is one of the packages that deps.sh installs"),
                    "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
                ]
            }
        }
    }

    @Test("A clock that jumps an hour ahead opens nothing; a fault is seen in time, dated by our clock")
    func jump() async throws {
        let fleet = try await DatabaseFleet()
        let lab = fleet.lab
        let clock = try Clock(in: lab.folder)
        let coordinator = try await lab.startCoordinator()
        let agent = try lab.startAgent(node: DatabaseFleet.node, variables: clock.variables)
        try #require(try await fleet.waitUntilProbed())
        let before = try await lab.agents().first?.samplesTotal ?? 0
        try clock.set("+3600")
        let goesOn = try await lab.eventually(within: .seconds(20)) {
            (try await lab.agents().first?.samplesTotal ?? 0) > before + 200 ? true : nil
        }
        #expect(goesOn == true, "the agent goes on")
        #expect(try await lab.incidents().isEmpty, "a jump is no fault")
        #expect(try await lab.agents().map(\.state) == ["live"])

        let killedAt = Date().timeIntervalSince1970
        try await fleet.database.kill9()
        let opened = try await lab.eventually(within: .seconds(20)) {
            try await lab.incidents().first { $0.checkGroup == "down" }
        }
        let onset = try Date(
            #require(opened, "the fault is seen").onsetAt,
            strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        ).timeIntervalSince1970
        #expect(abs(onset - killedAt) < 10, "dated \(onset - killedAt) s after it happened")
        try await fleet.database.start()
        let resolved = try await lab.eventually(within: .seconds(40)) {
            try await lab.incidents().allSatisfy { $0.state == "resolved" } ? true : nil
        }
        #expect(resolved == true, "it is over when it is over")
        try await agent.terminate()
        try await coordinator.terminate()
    }
}
