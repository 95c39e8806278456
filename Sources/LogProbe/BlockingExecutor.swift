import Dispatch

/// Runs a probe's own work on a queue of its own, so that reads that may wait for a disk never sit on the cooperative
/// pool.
final class BlockingExecutor: SerialExecutor {
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
