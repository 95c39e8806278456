import Notification
import Testing

@testable import CoordinatorApp

struct ProgressWatchTests {
    private func look(
        _ watch: ProgressWatch, times: Int, from start: UInt64 = 0, moving: Set<String>, hasWaitingFrames: Bool
    ) {
        for time in 1...UInt64(times) {
            func reading(_ part: String) -> UInt64 { start + (moving.contains(part) ? time : 0) }
            watch.look(
                Heartbeat.Progress(
                    ingest: reading("ingest"), detectors: reading("detectors"), outbox: reading("outbox")),
                hasWaitingFrames: hasWaitingFrames)
        }
    }

    private func watch() -> ProgressWatch {
        ProgressWatch(start: .init(ingest: 0, detectors: 0, outbox: 0), interval: .seconds(5), patience: .seconds(60))
    }

    @Test("What stands still for a minute is named with its time, and is healthy again when it moves")
    func namesTheStuck() {
        let watch = watch()
        look(watch, times: 11, moving: ["outbox"], hasWaitingFrames: true)
        #expect(watch.stuck.isEmpty)
        look(watch, times: 2, from: 0, moving: [], hasWaitingFrames: true)
        #expect(watch.stuck.map(\.part) == ["ingest", "detectors"])
        #expect(watch.stuck.map(\.time) == [.seconds(65), .seconds(65)])
        look(watch, times: 1, from: 100, moving: ["ingest", "detectors", "outbox"], hasWaitingFrames: true)
        #expect(watch.stuck.isEmpty)
    }

    @Test("Without frames that wait ingest has nothing to do")
    func idles() {
        let watch = watch()
        look(watch, times: 100, moving: ["detectors", "outbox"], hasWaitingFrames: false)
        #expect(watch.stuck.isEmpty)
        look(watch, times: 12, from: 100, moving: ["detectors", "outbox"], hasWaitingFrames: true)
        #expect(watch.stuck.isEmpty, "the first of them counts from now")
        look(watch, times: 12, from: 200, moving: ["detectors", "outbox"], hasWaitingFrames: true)
        #expect(watch.stuck.isEmpty)
    }
}
