import Foundation
import Glibc
import Incidents
import Telemetry
import Testing

@testable import IncidentStore

/// A child process appends as fast as it can, writes down what was acknowledged, and is killed in the middle of it.
struct KillTests {
    @Test(arguments: [3, 40, 150])
    func noAcknowledgedEventIsLost(afterMillis: Int) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, afterMillis = afterMillis as Int] in
            let store = try IncidentStore(directory: path)
            let acknowledged = try #require(fopen(path + "/acknowledged", "w"))
            var sequence: UInt64 = 0
            var killer: Thread?
            while true {
                let batch = (1...3).map { IncidentStoreTests.note(sequence + $0) }
                try await store.append(batch)
                sequence += 3
                // Unbuffered: what the kernel has been given outlives the process.
                fputs("\(sequence)\n", acknowledged)
                fflush(acknowledged)
                if killer == nil {
                    killer = Thread {
                        usleep(UInt32(afterMillis) * 1000)
                        kill(getpid(), SIGKILL)
                    }
                    killer?.start()
                }
            }
        }
        let lines = try String(contentsOfFile: path + "/acknowledged", encoding: .utf8).split(separator: "\n")
        let last = try #require(lines.last.flatMap { UInt64($0) })
        let store = try IncidentStore(directory: path)
        #expect(store.openReport == .init())
        var events: [IncidentEvent] = []
        let report = try await store.load { events += $0 }
        #expect(report.corruptRows == 0)
        #expect(UInt64(events.count) >= last)
        // Whole batches only, and at most the one that was under way beyond the last acknowledged.
        #expect(UInt64(events.count) <= last + 3 && events.count % 3 == 0)
        #expect(events == (1...UInt64(events.count)).map { IncidentStoreTests.note($0) })
    }
}
