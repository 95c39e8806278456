import Dispatch

/// Runs an actor's jobs on a queue of its own, so that file writes and their fsync never sit on the cooperative pool.
final class ThreadExecutor: SerialExecutor {
    private let queue: DispatchQueue

    /// Makes an executor whose queue has this label.
    init(label: String) {
        queue = DispatchQueue(label: label)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
