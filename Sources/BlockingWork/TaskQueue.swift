import Dispatch

/// Runs the tasks that prefer it one after another on a queue of its own.
///
/// For tasks that mostly hand things to each other: on the cooperative pool each of them is woken on whichever thread
/// is free, which costs more than the few microseconds that it then works; here one thread runs through all that are
/// ready.
package final class TaskQueue: TaskExecutor {
    private let queue: DispatchQueue

    /// Makes an executor whose queue has this label, as debuggers and crash reports show it.
    package init(label: String) {
        queue = DispatchQueue(label: label)
    }

    /// Puts a job at the end of the queue.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
