import FlowControl
import IngestWire
import Logging
import Probing
import ServiceLifecycle
import SwiftProtobuf
import Synchronization
import TargetAssignment
import Telemetry
import TocsinProto

/// The cluster targets that the coordinator lets this agent probe, as long as it lets it.
///
/// The leases are counted by this process' own clock from the heartbeat that was answered, so that a partition ends
/// them here before the coordinator gives the targets to another agent.
final class AssignedTargets: Service {
    private struct State {
        var holder = LeaseHolder()
        var lease: Duration?
        /// Probes by target and definition, so that a renewal keeps the open session.
        var probes: [LeaseHolder.Holding: any Probe] = [:]
    }

    /// Makes the probe of a definition; throws why it cannot be used.
    typealias Factory = @Sendable (_ id: String, _ definition: String, _ interval: Duration) throws -> any Probe

    private let roster: ProbeRoster
    private let makeProbe: Factory
    private let logger: Logger
    private let start = ContinuousClock.now
    private let state = Mutex(State())
    private let wake = WakeSignal()
    private static let heartbeatIntervalMax = Duration.seconds(5)

    init(roster: ProbeRoster, logger: Logger, makeProbe: @escaping Factory) {
        self.roster = roster
        self.logger = logger
        self.makeProbe = makeProbe
    }

    /// The clock of the leases; never 0, which would say that no targets are taken.
    var uptime: Duration { start.duration(to: .now) + .milliseconds(1) }

    /// Puts the clock and what is held into a heartbeat; to be called just before it is sent.
    func sign(_ heartbeat: inout Tocsin_V1_Heartbeat) {
        heartbeat.uptimeMillis = UInt64(clamping: uptime.wholeMilliseconds)
        heartbeat.holding = state.withLock { $0.holder.grants }.sorted { $0.target < $1.target }.map { grant in
            .with {
                $0.target = grant.target
                $0.role = grant.role == .owner ? .owner : .witness
            }
        }
    }

    /// Three signs of life in each lease, so that a lost one costs nothing.
    var heartbeatInterval: Duration {
        state.withLock { min(Self.heartbeatIntervalMax, ($0.lease ?? .seconds(60)) / 3) }
    }

    /// Takes the coordinator's answer to a heartbeat.
    func take(_ answer: TargetsAnswer) {
        let intervals = Dictionary(answer.targets.map { ($0.target, $0.defaultInterval) }, uniquingKeysWith: { $1 })
        let holdings = answer.targets.map { target in
            LeaseHolder.Holding(
                grant: TargetGrant(target: target.target, role: target.role == .owner ? .owner : .witness),
                definition: target.definition)
        }
        let now = uptime
        state.withLock { state in
            state.lease = answer.lease
            let before = state.holder.grants
            guard state.holder.granted(holdings, answered: answer.answeredUptime, lease: answer.lease, now: now) else {
                return
            }
            log(before, state.holder.grants)
            apply(&state, removed: Set(answer.removed), intervals: intervals)
        }
        wake.signal()
    }

    /// Lets go of what nobody renewed.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let pause = self.expire()
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await self.wake.wait() }
                    if let pause { group.addTask { try? await Task.sleep(for: pause) } }
                    await group.next()
                    group.cancelAll()
                }
            }
        }
    }

    /// Time until the leases end, nil when there are none.
    private func expire() -> Duration? {
        let now = uptime
        return state.withLock { state in
            let before = state.holder.grants
            if state.holder.expire(now: now) {
                logger.warning(
                    "no word from the coordinator for a whole lease: cluster targets are left to others",
                    metadata: ["targets": "\(before.map(\.target).sorted().joined(separator: ", "))"])
                apply(&state, removed: [], intervals: [:])
            }
            return state.holder.expiresAt.map { $0 - now }
        }
    }

    private func apply(_ state: inout State, removed: Set<String>, intervals: [String: Duration]) {
        var kept: [LeaseHolder.Holding: any Probe] = [:]
        for holding in state.holder.holdings {
            // The role is the coordinator's business: a witness that becomes the owner keeps its session.
            var key = holding
            key.grant.role = .owner
            kept[key] = state.probes[key] ?? probe(holding, interval: intervals[holding.grant.target] ?? .seconds(10))
        }
        let gone = Set(state.probes.keys.map(\.grant.target)).subtracting(kept.keys.map(\.grant.target))
        state.probes = kept
        roster.set(.assigned, Array(kept.values), handedOver: gone.subtracting(removed))
    }

    private func probe(_ holding: LeaseHolder.Holding, interval: Duration) -> any Probe {
        let id = holding.grant.target
        do {
            let probe = try makeProbe(id, holding.definition, interval)
            guard probe.target.id == id else {
                return FailedProbe(
                    id: id, reason: "The coordinator's entry defines \(probe.target.id), not \(id).",
                    interval: interval)
            }
            return probe
        } catch {
            logger.error("a cluster target cannot be probed", metadata: ["target": "\(id)", "reason": "\(error)"])
            return FailedProbe(
                id: id, reason: "The coordinator's entry cannot be used here: \(error)", interval: interval)
        }
    }

    private func log(_ before: Set<TargetGrant>, _ after: Set<TargetGrant>) {
        func text(_ grants: Set<TargetGrant>) -> String {
            grants.map { "\($0.target) (\($0.role.rawValue))" }.sorted().joined(separator: ", ")
        }
        guard before != after else { return }
        logger.info(
            "cluster targets changed",
            metadata: ["gained": "\(text(after.subtracting(before)))", "lost": "\(text(before.subtracting(after)))"])
    }
}
