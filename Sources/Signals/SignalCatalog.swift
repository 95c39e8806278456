/// How the contributors' values become the subject's, and what a missing contributor would add if it were healthy.
enum Merging: Sendable {
    /// Σ numerator / Σ volume. A healthy missing one adds volume and nothing to the numerator.
    case weighted
    /// Σ value. A healthy missing one adds what it had last, at least the mean of the others.
    case flow
    /// Σ value. A healthy missing one adds nothing.
    case count
    /// The greatest. A healthy missing one is never greater.
    case greatest
    /// The least. A healthy missing one is never less.
    case least
    /// Σ value / contributors, over values of 0 and 1. A healthy missing one adds a 1.
    case share
    /// Of the contributors' buckets taken together. Healthy missing ones add fast requests.
    case quantile
}

/// The signals in the order in which they leave the engine.
enum Signal: Int, CaseIterable, Sendable {
    case errorRatio, requestRate, latencyMean, latencyP50, latencyP95, latencyP99
    case heapUsed, heapLive, collectionOverhead, health, poolPending
    case ready
    case workingSet, oomKills, restarts
    case databaseUp, connections, longestQuery, idleInTransaction, lockWaiters, longestLockWait
    case replicationLag, replicationStalled, slotRetained, slotInactive, slotLost, archiverFailing, wraparound, deadRows
    case deadlocks, rollbackRatio, checksumFailures, checkpointsRequested, cacheMiss
    case probeUp, certificateRemaining
    case nodeMemory, nodeOOMKills, nodeReady, nodePressure
    case diskUsed, inodeUsed
    case logErrorRatio, logErrors, logNewPatterns

    var name: SignalName {
        switch self {
        case .errorRatio: .errorRatio
        case .requestRate: .requestRate
        case .latencyMean: .latencyMeanSeconds
        case .latencyP50: .latencyP50Seconds
        case .latencyP95: .latencyP95Seconds
        case .latencyP99: .latencyP99Seconds
        case .heapUsed: .heapUsedRatio
        case .heapLive: .heapLiveRatio
        case .collectionOverhead: .gcOverhead
        case .health: .healthUp
        case .poolPending: .poolPending
        case .ready: .readyRatio
        case .workingSet: .workingSetRatio
        case .oomKills: .oomKills
        case .restarts: .restarts
        case .databaseUp: .databaseUp
        case .connections: .connectionRatio
        case .longestQuery: .longestQuerySeconds
        case .idleInTransaction: .idleInTransactionSeconds
        case .lockWaiters: .lockWaiters
        case .longestLockWait: .longestLockWaitSeconds
        case .replicationLag: .replicationLagSeconds
        case .replicationStalled: .replicationStalledSeconds
        case .slotRetained: .slotRetainedBytes
        case .slotInactive: .slotInactiveSeconds
        case .slotLost: .slotLost
        case .archiverFailing: .archiverFailing
        case .wraparound: .wraparoundRatio
        case .deadRows: .deadRowRatio
        case .deadlocks: .deadlocks
        case .rollbackRatio: .rollbackRatio
        case .checksumFailures: .checksumFailures
        case .checkpointsRequested: .checkpointRequestedRatio
        case .cacheMiss: .cacheMissRatio
        case .probeUp: .probeUp
        case .certificateRemaining: .certificateRemainingSeconds
        case .nodeMemory: .nodeMemoryUsedRatio
        case .nodeOOMKills: .nodeOOMKills
        case .nodeReady: .nodeReady
        case .nodePressure: .nodePressure
        case .diskUsed: .diskUsedRatio
        case .inodeUsed: .inodeUsedRatio
        case .logErrorRatio: .logErrorRatio
        case .logErrors: .logErrors
        case .logNewPatterns: .logNewPatterns
        }
    }

    var merging: Merging {
        switch self {
        case .errorRatio, .latencyMean, .rollbackRatio, .checkpointsRequested, .cacheMiss, .logErrorRatio: .weighted
        case .requestRate: .flow
        case .latencyP50, .latencyP95, .latencyP99: .quantile
        case .oomKills, .restarts, .nodeOOMKills, .deadlocks, .checksumFailures, .logErrors, .logNewPatterns: .count
        case .ready: .share
        case .health, .databaseUp, .probeUp, .certificateRemaining, .nodeReady: .least
        case .heapUsed, .heapLive, .collectionOverhead, .poolPending, .workingSet, .connections, .longestQuery,
            .idleInTransaction, .lockWaiters, .longestLockWait, .replicationLag, .replicationStalled, .slotRetained,
            .slotInactive, .slotLost, .archiverFailing, .wraparound, .deadRows, .nodeMemory, .nodePressure, .diskUsed,
            .inodeUsed:
            .greatest
        }
    }
}

extension ContributorKind {
    /// The signals that contributors of this sort feed.
    var signals: ClosedRange<Int> {
        switch self {
        case .application: Signal.errorRatio.rawValue...Signal.poolPending.rawValue
        case .pod: Signal.ready.rawValue...Signal.ready.rawValue
        case .container: Signal.workingSet.rawValue...Signal.restarts.rawValue
        case .database: Signal.databaseUp.rawValue...Signal.cacheMiss.rawValue
        case .target: Signal.probeUp.rawValue...Signal.certificateRemaining.rawValue
        case .node: Signal.nodeMemory.rawValue...Signal.nodePressure.rawValue
        case .filesystem: Signal.diskUsed.rawValue...Signal.inodeUsed.rawValue
        case .log: Signal.logErrorRatio.rawValue...Signal.logNewPatterns.rawValue
        }
    }
}
