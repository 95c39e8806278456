import AgentApp
import BenchSupport
import Foundation
import Telemetry
import TocsinTestKit

/// One more agent beside a fleet, in whose rounds one workload after another is killed for memory.
///
/// What is measured is the time from handing the round to the agent's link to the opening of the incident, both by this
/// machine's clock. (The finding's own time is its data's: that of the sample.)
struct FindingDelay: Sendable {
    /// Name of the agent's node.
    static let node = "kills"
    /// Rounds before the first kill.
    private static let quietRounds = 10

    let feed: AgentFeed
    let rounds: Int
    /// Seconds from round to round.
    let interval: Double

    private var kills: Int { max(0, rounds - Self.quietRounds - 2) }

    /// Plays all rounds; returns the samples sent, and for each workload when its kill was handed over, in milliseconds
    /// since the epoch.
    func play(from begin: ContinuousClock.Instant) async throws -> (samples: Int, handedOver: [Int64]) {
        let series = (0..<kills).map { number in
            Series(
                "kube_pod_container_oom_kills_total",
                [
                    LabelName.namespace: "bench", LabelName.workload: "Deployment/killed-\(number)",
                    LabelName.pod: "killed-\(number)-0", LabelName.container: "main", LabelName.node: Self.node,
                ])
        }
        var handedOver: [Int64] = []
        for round in 0..<rounds {
            // Between the fleet's rounds and in the midst of their work, in turn.
            try await Task.sleep(until: begin + .seconds((Double(round) + Double(round % 10) / 10) * interval))
            let now = AgentApp.wallClock()
            let dead = round - Self.quietRounds
            if dead >= 0, dead < kills { handedOver.append(now.millis) }
            await feed.record(series.enumerated().map { Sample($0.element, now, $0.offset <= dead ? 1 : 0) })
        }
        return (kills * rounds, handedOver)
    }

    /// Milliseconds from handing over to the incident, ascending; throws when a kill was not found.
    static func delays(_ handedOver: [Int64], in lab: TocsinLab) async throws -> [Double] {
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        var found: [String: Double] = [:]
        for incident in try await lab.incidents() {
            let name = incident.subject.split(separator: "/").last.map(String.init) ?? ""
            found[name] = try Date(incident.openedAt, strategy: format).timeIntervalSince1970 * 1000
        }
        let delays = handedOver.enumerated().compactMap { number, at in
            found["killed-\(number)"].map { $0 - Double(at) }
        }
        guard delays.count == handedOver.count else {
            throw Workload.Fault(message: "\(handedOver.count) were killed, \(delays.count) incidents opened")
        }
        return delays.sorted()
    }
}
