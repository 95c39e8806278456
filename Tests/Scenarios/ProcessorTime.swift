import Foundation

/// Processor time of the calling thread: what a computation takes, whoever else is at work on the machine.
package enum ProcessorTime {
    /// Since the thread began.
    package static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
