#if canImport(Musl)
import Musl
#else
import Glibc
#endif

extension SegmentSpool {
    /// Opens the spool in a directory, or makes one, and brings it in order after whatever happened.
    ///
    /// Damage never makes it fail: a torn tail is cut off, damaged records show as losses when they are read, and a
    /// directory beyond use is set aside for a new session. Throws when the file system refuses (`inputOutput`, `full`)
    /// or another process has the directory (`locked`).
    ///
    /// - Parameter generator: names a new session, when one is needed.
    package static func open(
        directory: String, limits: SpoolLimits = SpoolLimits(), using generator: inout some RandomNumberGenerator
    ) throws(SpoolError) -> SegmentSpool {
        try SpoolDirectory.create(directory)
        let lock = try SpoolFile(SpoolLayout.lock(directory), flags: O_RDWR | O_CREAT)
        try lock.lock()
        try finishReplacement(in: directory)
        let folder = SpoolLayout.data(directory)
        var recovery = SpoolRecovery()
        var counters = SpoolCounters()
        if SpoolDirectory.exists(folder), try !SpoolDirectory.names(in: folder).isEmpty {
            var recoverer = SpoolRecoverer(folder: folder, limits: limits)
            if let contents = try recoverer.load() {
                return SegmentSpool(contents, folder: folder, root: directory, lock: lock, limits: limits)
            }
            recovery = recoverer.recovery
            counters = try quarantine(folder, root: directory, &recovery)
        }
        let contents = try SpoolContents.make(
            in: folder, session: SpoolSession(using: &generator), counters: counters, recovery: recovery)
        try SpoolDirectory.sync(directory)
        return SegmentSpool(contents, folder: folder, root: directory, lock: lock, limits: limits)
    }

    /// Replaces the session by a new one, for a coordinator that holds frames which this spool never sent.
    ///
    /// The records after `keepAfter` are taken over with new sequences from 1, counters included; all else is deleted.
    /// A crash at any moment leaves the old session or the new one. Returns the new spool and closes this one, whose
    /// last `takeLosses()` still tells what could not be taken over. When it throws `full` or `inputOutput` and this
    /// spool is closed, drop it and open the directory again; else it goes on as before.
    package func beginNewSession(
        keepAfter: UInt64, using generator: inout some RandomNumberGenerator
    ) throws(SpoolError) -> SegmentSpool {
        try checkOpen()
        let next = SpoolLayout.next(root)
        try SpoolDirectory.removeFlat(next)
        try copyRecords(after: keepAfter, to: next, session: SpoolSession(using: &generator))
        isClosed = true
        let folder = SpoolLayout.data(root)
        try SpoolDirectory.rename(folder, to: SpoolLayout.old(root))
        try Self.finishReplacement(in: root)
        var recoverer = SpoolRecoverer(folder: folder, limits: limits)
        guard var contents = try recoverer.load() else {
            throw SpoolError(.inputOutput, "the new session can't be read back")
        }
        contents.recovery.isNewSession = true
        contents.recovery.interruption = nil
        return SegmentSpool(contents, folder: folder, root: root, lock: lock, limits: limits)
    }

    private func copyRecords(after mark: UInt64, to target: String, session: SpoolSession) throws(SpoolError) {
        let contents = try SpoolContents.make(
            in: target, session: session, counters: SpoolCounters(), recovery: SpoolRecovery())
        let copy = SegmentSpool(contents, folder: target, root: root, lock: lock, limits: limits)
        var sequence = max(mark + 1, firstSequence)
        while sequence <= lastSequence {
            let records = try records(from: sequence, maxRecords: 64, maxBytes: 1 << 20)
            if let last = records.last {
                _ = try copy.append(records.map(\.entry))
                sequence = last.sequence + 1
            } else {
                sequence = max(sequence, pendingLosses.last?.sequences.upperBound ?? sequence) + 1
            }
        }
        copy.state.counters = counters
        // Still open: a process that dies before the copy takes its place has not ended in order.
        try copy.sync()
        try copy.saveState()
        copy.isClosed = true
    }

    /// Ends a replacement of the session that a crash interrupted, forwards when the new one was complete.
    private static func finishReplacement(in root: String) throws(SpoolError) {
        let (data, next, old) = (SpoolLayout.data(root), SpoolLayout.next(root), SpoolLayout.old(root))
        if SpoolDirectory.exists(old), !SpoolDirectory.exists(data), SpoolDirectory.exists(next) {
            try SpoolDirectory.rename(next, to: data)
        }
        try SpoolDirectory.sync(root)
        try SpoolDirectory.removeFlat(next)
        try SpoolDirectory.removeFlat(old)
    }

    /// Sets the data folder aside, in place of what was set aside before.
    ///
    /// Returns the counters to go on with.
    private static func quarantine(
        _ folder: String, root: String, _ recovery: inout SpoolRecovery
    ) throws(SpoolError) -> SpoolCounters {
        var counters = try SpoolStateFile.open(in: folder).file.state.counters
        counters.quarantines += 1
        let target = SpoolLayout.quarantined(root)
        try SpoolDirectory.removeFlat(target)
        try SpoolDirectory.rename(folder, to: target)
        recovery.quarantinedTo = target
        return counters
    }
}
