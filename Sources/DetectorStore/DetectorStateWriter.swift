import BlockingWork
package import Detection
package import Telemetry

/// Writes a state file on a queue of its own: encoding takes seconds in a large fleet, and the disk is waited for.
package actor DetectorStateWriter {
    private let file: DetectorStateFile
    private let executor = QueueExecutor(label: "tocsin.detectors")

    /// The queue.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Makes a writer of a file, which nobody else must write.
    package init(_ file: DetectorStateFile) {
        self.file = file
    }

    /// Puts a state in place of the last one; see `DetectorStateFile`.
    package func write(
        _ state: DetectorBank.Snapshot, takenAt: Timestamp
    ) throws(DetectorStateFailure) -> DetectorStateFile.Written {
        try file.write(state, takenAt: takenAt)
    }
}
