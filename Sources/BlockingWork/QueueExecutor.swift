import Dispatch

/// Runs an actor's jobs on a queue of its own, so that work that waits for a disk or takes seconds never sits on the
/// cooperative pool.
package final class QueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    /// Makes an executor whose queue has this label, as debuggers and crash reports show it.
    package init(label: String) {
        queue = DispatchQueue(label: label)
    }

    /// Puts a job at the end of the queue.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
