import NIOCore
import NIOPosix

/// The event loop that the listeners' connections are served on, also as what tasks of ingest run on.
///
/// A frame then goes from the socket to the store's queue on one thread, and its acknowledgement back: handing it from
/// thread to thread costs more than what is done with it. A thread that waits for a disk, or judges, is another.
final class ListenerLoop: TaskExecutor {
    /// The process's own; like the library's shared groups it is never shut down.
    static let shared = ListenerLoop()

    /// What a listener is given; of one thread.
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop

    private init() {
        loop = group.next()
    }

    /// Runs a job on the loop, after those that it was given before.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Waits on the loop's own clock, which wakes no further thread; throws when the task is cancelled.
    func sleep(for duration: Duration) async throws {
        let alarm = loop.scheduleTask(in: TimeAmount(duration)) {}
        try await withTaskCancellationHandler {
            try await alarm.futureResult.get()
        } onCancel: {
            alarm.cancel()
        }
    }

    /// Has something done on the loop in a while.
    func schedule(in duration: Duration, _ body: @escaping @Sendable () -> Void) -> Scheduled<Void> {
        loop.scheduleTask(in: TimeAmount(duration), body)
    }
}
