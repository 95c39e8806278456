import Synchronization

/// What the coordinator counts of its own work, for `tocsin status` and `/metrics`.
///
/// Each only rises.
package struct Counters: Sendable, Hashable {
    /// Frames stored.
    package var framesStored: UInt64 = 0
    /// Frames that were there already.
    package var framesDuplicate: UInt64 = 0
    /// Frames, or streams by way of one, that were refused.
    package var framesRejected: UInt64 = 0
    /// Samples of agents stored.
    package var samplesStored: UInt64 = 0
    /// Of them, samples of an outage that came after newer ones: stored, not judged.
    package var samplesBackfilled: UInt64 = 0
    /// Samples stored and not judged, since their agent has too many series.
    package var samplesRefused: UInt64 = 0
    /// Samples neither stored nor judged, since their agent brought in too many series within an hour.
    package var samplesLeftOut: UInt64 = 0
    /// Edges stored.
    package var edgesStored: UInt64 = 0
    /// Samples that agents declared lost, and frames that never came.
    package var samplesLost: UInt64 = 0
    /// Appends that the store refused.
    package var storeFailures: UInt64 = 0
    /// Frames that detection saw although they could not be stored.
    package var framesJudgedUnstored: UInt64 = 0
    /// Transactions that made frames durable.
    package var commits: UInt64 = 0
    /// Database files that were damaged and set aside.
    package var databasesSetAside: [DatabaseFile: UInt64] = [:]
    /// Incident events that were stored and cannot be read any more, as far as they could be counted.
    package var incidentEventsDamaged: UInt64 = 0
    /// Frames turned into chunks by series.
    package var framesCompacted: UInt64 = 0
    /// Stored frames and chunks that could not be read any more.
    package var blocksDamaged: UInt64 = 0
    /// Signal points closed that are in the store of cells.
    package var cellsStored: UInt64 = 0
    /// Signal points closed that are not.
    package var cellsLost: UInt64 = 0
    /// Bytes of blocks and detectors' states in the store of cells.
    package var cellBytesStored: UInt64 = 0
    /// Times that cells could not be stored.
    package var cellStoreFailures: UInt64 = 0
    /// Subjects that found no room in a state of the detectors, each time that one was stored.
    package var cellSubjectsLeftOut: UInt64 = 0
    /// Signal points closed.
    package var signalPoints: UInt64 = 0
    /// Findings, ongoing ones included.
    package var findings: UInt64 = 0
    /// Incident events appended.
    package var incidentEvents: UInt64 = 0
    /// Incident events that could not be appended.
    package var incidentEventFailures: UInt64 = 0
    /// Findings refused because too many incidents are open.
    package var findingsRefused: UInt64 = 0
    /// Samples and edges of cluster targets dropped since their agent was not the target's owner.
    package var samplesOfNonOwners: UInt64 = 0
    /// Samples that called a cluster target down, left out since no second agent had confirmed it.
    package var samplesUnconfirmed: UInt64 = 0
    /// Times that a changed thresholds file was put in force.
    package var thresholdsReloaded: UInt64 = 0
    /// Times that a changed thresholds file was refused.
    package var thresholdsRefused: UInt64 = 0
    /// Models that detectors had learned and took over from their file at the start.
    package var modelsRestored: UInt64 = 0
    /// Models of that file that no detector took over: of subjects beyond a limit, of checks that are gone or learn
    /// otherwise by now, or not readable.
    package var modelsNotRestored: UInt64 = 0
    /// Files of what detectors had learned that could not be used: all models begin anew.
    package var modelFilesUnusable: UInt64 = 0
    /// Subjects whose models found no room in the file, each time that it was written.
    package var modelSubjectsLeftOut: UInt64 = 0
    /// Times that the file could not be written.
    package var modelFileFailures: UInt64 = 0
    /// Times that an agent came back after another had used its name.
    package var agentsContended: UInt64 = 0
    /// Requests refused for want of a role.
    package var requestsDenied: UInt64 = 0
    /// Handshakes refused for the client's certificate.
    package var handshakesRefused: UInt64 = 0
    /// Connections closed since their client speaks no TLS 1.3.
    package var handshakesOutdated: UInt64 = 0
    /// Connections closed since they made no call within their time.
    package var handshakesOverdue: UInt64 = 0
    /// Connections without a call so far that went for newer ones.
    package var handshakesDisplaced: UInt64 = 0
    /// Connections refused since there were too many.
    package var connectionsRefused: UInt64 = 0
    /// Connections of a client that went for a newer one of the same client.
    package var connectionsDisplaced: UInt64 = 0
    /// Errors in HTTP/2.
    package var connectionsMalformed: UInt64 = 0
    /// Calls refused since their client had too many open.
    package var callsRefused: UInt64 = 0
    /// Streams of agents that said no hello within their time.
    package var hellosOverdue: UInt64 = 0
    /// Times that changed certificate files were put in force.
    package var certificatesReloaded: UInt64 = 0
    /// Times that changed certificate files could not be used.
    package var certificatesRefused: UInt64 = 0
    /// Refused attempts to change something that are not in the audit log: too many at once, or not stored.
    package var auditRecordsDropped: UInt64 = 0

    /// All zero.
    package init() {}
}

/// The database files of the data folder.
package enum DatabaseFile: String, Sendable, CaseIterable {
    case cells, incidents, samples
}

/// Counters that every part of the coordinator adds to.
package final class CounterBoard: Sendable {
    private let counters = Mutex(Counters())

    /// Makes a board at zero.
    package init() {}

    /// The counters now.
    package var snapshot: Counters { counters.withLock { $0 } }

    func add(_ change: (inout Counters) -> Void) {
        counters.withLock { change(&$0) }
    }
}
