package import Logging
import Probing
import SegmentSpool
import SwiftProtobuf
package import Telemetry
import TocsinProto

/// An agent's spool, recorder and uplink, whose samples come from the caller in place of probes: what benchmarks and
/// tests of the link run.
package final class AgentFeed: Sendable {
    /// Who the agent is, where its coordinator is, and how both trust each other.
    package struct Configuration: Sendable {
        /// Cluster.
        package var cluster: String
        /// Node.
        package var node: String
        /// The coordinator's host.
        package var host: String
        /// The coordinator's port.
        package var port: Int
        /// PEM file of the own certificate.
        package var certificateFile: String
        /// PEM file of the private key.
        package var keyFile: String
        /// File of a token that is shown in place of the certificate; nil: the certificate is shown.
        package var tokenFile: String?
        /// PEM file of the coordinator's trust roots.
        package var trustRootsFile: String
        /// Folder of the spool.
        package var spoolDirectory: String
        /// Bytes a second at which a backlog is sent beside what is new.
        package var backfillBytesPerSecond = 512 << 10
        /// Targets that it reports, all of them well.
        package var targets: [Target] = []

        /// Names what has no usual value.
        package init(
            cluster: String, node: String, host: String, port: Int, certificateFile: String, keyFile: String,
            trustRootsFile: String, spoolDirectory: String
        ) {
            self.cluster = cluster
            self.node = node
            self.host = host
            self.port = port
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.trustRootsFile = trustRootsFile
            self.spoolDirectory = spoolDirectory
        }
    }

    private let spool: SpoolKeeper
    private let inbox = UplinkInbox()
    private let recorder: FrameRecorder
    private let uplink: Uplink

    /// Opens the spool.
    package init(
        _ configuration: Configuration, logger: Logger,
        now: @escaping @Sendable () -> Timestamp = AgentApp.wallClock
    ) throws {
        let spool = try SpoolKeeper(directory: configuration.spoolDirectory, bytesMax: 256 << 20, logger: logger)
        self.spool = spool
        recorder = FrameRecorder(
            results: AsyncStream { $0.finish() }, spool: spool, inbox: inbox, flushInterval: .seconds(1),
            logger: logger)
        let statuses = configuration.targets.map { target in
            TargetStatus(
                target: target, outcome: .success, lastProbeAt: now(), lastDuration: .milliseconds(3),
                lastSampleCount: 46, since: now())
        }
        uplink = Uplink(
            identity: Uplink.Identity(
                cluster: configuration.cluster, node: configuration.node,
                boot: (0..<16).map { _ in UInt8.random(in: 0...255) }),
            endpoint: Uplink.Endpoint(
                host: configuration.host, port: configuration.port, serverName: nil,
                credentials: configuration.tokenFile.map { .token(TokenFile(path: $0)) }
                    ?? .certificate(file: configuration.certificateFile, keyFile: configuration.keyFile),
                trustRootsFile: configuration.trustRootsFile),
            spool: spool, inbox: inbox, assigned: nil, logger: logger,
            backfillBytesPerSecond: configuration.backfillBytesPerSecond, now: now, clock: UplinkClock(now: now),
            interval: .seconds(10),
            vitals: {
                Uplink.Vitals(statuses: statuses, heartbeat: .with { $0.sentAtMillis = now().millis })
            })
    }

    /// Puts samples into the spool, as one block when they fit in one.
    package func record(_ samples: [Sample]) async {
        await recorder.record(samples)
        inbox.targetsChanged()
    }

    /// Puts a block into the spool as it is, such as one that no coordinator takes.
    package func record(block: [UInt8], samples: Int, at time: Timestamp) async throws {
        inbox.appended(
            through: try await spool.append(
                kind: .sampleBlock, sampleCount: samples, from: time, to: time, payload: block))
    }

    /// Records in the spool that the coordinator has not acknowledged.
    package var unacknowledged: UInt64 {
        get async {
            let view = await spool.view()
            return view.last - view.acknowledged
        }
    }

    /// Samples in the spool that were lost before they were acknowledged.
    package var lostSamples: UInt64 {
        get async { await spool.view().lostSamples }
    }

    /// Keeps the link up until the task is cancelled; the spool is closed then.
    package func run() async throws {
        try await uplink.run()
        await spool.close()
    }
}
