import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Telemetry

/// A kubelet that answers from captures: HTTP/1.1 over TLS with bearer tokens, refusals as the real one words them.
///
/// The state can be edited while it runs (`edit`), replaced (`show`), or played from a timeline (`play`), and the
/// server told to fail (`fail`). Usage moves with time from the captured numbers on, so that CPU and network counters
/// advance.
package final class KubeletReplay: Sendable {
    /// Certificate chain and key, PEM files.
    package struct TLS: Sendable {
        /// The chain.
        package var certificateFile: String
        /// The key of its first certificate.
        package var keyFile: String

        /// Names the files.
        package init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    /// What goes wrong with an answer.
    package enum Fault: Sendable, Hashable {
        /// This status with this text.
        case status(Int, String)
        /// 401 as the kubelet says it.
        case unauthorized
        /// 403 as the kubelet says it, with the subresources of the path.
        case forbidden
        /// The right answer, cut off in the middle.
        case cut
        /// No answer; the connection stays open.
        case hang
        /// `/pods` as just after a kubelet start: `"items":null`.
        case nullItems
        /// `/pods` as a second after a kubelet start: static pods alone.
        case staticPodsOnly
        /// 200 with this body.
        case body([UInt8])
    }

    /// One request that came.
    package struct Request: Sendable, Hashable {
        /// Path without the query.
        package var path: String
        /// The `Authorization` field as it came.
        package var authorization: String?
    }

    /// Requests kept in `requests`; older ones are forgotten.
    package static let requestsMax = 1000

    private struct Shared {
        var state: KubeletState
        var shownAt = Date.now
        var timeline: [(after: Double, state: KubeletState)] = []
        var timelineStart = Date.now
        var faults: [String: Fault] = [:]
        var tokens: Set<String>
        var requests: [Request] = []
        var podBytes: [UInt8]?
        var group: MultiThreadedEventLoopGroup?
    }

    private let shared: Mutex<Shared>
    private let tls: TLS?
    private let movesUsage: Bool

    /// Makes a server that is not started.
    ///
    /// - Parameters:
    ///   - state: what it shows first.
    ///   - tls: nil speaks plain HTTP.
    ///   - tokens: bearer tokens that are let in; empty lets everybody in.
    ///   - movesUsage: false keeps `/stats/summary` as captured.
    package init(_ state: KubeletState, tls: TLS?, tokens: Set<String> = [], movesUsage: Bool = true) {
        shared = Mutex(Shared(state: state, tokens: tokens))
        self.tls = tls
        self.movesUsage = movesUsage
    }

    /// Starts listening and returns the port; `port` 0 takes a free one.
    package func start(host: String = "127.0.0.1", port: Int = 0) async throws -> Int {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        do {
            let context = try tls.map(Self.context)
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
                        try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
                        try pipeline.addHandler(KubeletHandler(self))
                    }
                }
                .bind(host: host, port: port).get()
            guard let bound = channel.localAddress?.port else { throw KubeletReplayError.noPort }
            shared.withLock { $0.group = group }
            return bound
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// Closes the port and all connections; a later `start` works again.
    package func stop() async throws {
        let group = shared.withLock { shared in
            defer { shared.group = nil }
            return shared.group
        }
        try await group?.shutdownGracefully()
    }

    /// Edits what is shown.
    package func edit(_ edit: (inout KubeletState) throws -> Void) throws {
        try shared.withLock { shared in
            shared.podBytes = nil
            try edit(&shared.state)
        }
    }

    /// Shows another state from now on.
    package func show(_ state: KubeletState) {
        shared.withLock { shared in
            shared.timeline = []
            shared.podBytes = nil
            (shared.state, shared.shownAt) = (state, .now)
        }
    }

    /// Shows each state from its time on, counted from this call.
    package func play(_ timeline: [(after: Duration, state: KubeletState)]) {
        shared.withLock { shared in
            shared.timeline = timeline.map { ($0.after.inSeconds, $0.state) }
            shared.timelineStart = .now
        }
    }

    /// Makes answers for `path` (all paths when nil) go wrong until `fault` is nil.
    package func fail(_ fault: Fault?, path: String? = nil) {
        shared.withLock { shared in
            if path == nil { shared.faults = [:] }
            shared.faults[path ?? "*"] = fault
        }
    }

    /// Which bearer tokens are let in; empty lets everybody in.
    package func accept(tokens: Set<String>) {
        shared.withLock { $0.tokens = tokens }
    }

    /// The latest requests, oldest first.
    package var requests: [Request] { shared.withLock { $0.requests } }

    /// What is shown now.
    package var state: KubeletState { shared.withLock { $0.state } }

    static func context(_ tls: TLS) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(tls.certificateFile).map {
            NIOSSLCertificateSource.certificate($0)
        }
        let key = try NIOSSLPrivateKey(file: tls.keyFile, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(key))
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}

extension KubeletReplay {
    /// What to write back.
    enum Reply: Sendable {
        case whole(status: Int, type: String, body: [UInt8])
        /// Announces the whole body, sends a half and closes.
        case cut(type: String, body: [UInt8])
        case silence
    }

    private static let subresources = [
        "/pods": "pods proxy", "/stats/summary": "stats", "/metrics/probes": "metrics", "/healthz": "healthz proxy",
    ]

    func reply(to request: Request) -> Reply {
        shared.withLock { shared in
            shared.requests.append(request)
            if shared.requests.count > Self.requestsMax { shared.requests.removeFirst() }
            guard let subresource = Self.subresources[request.path] else {
                return .whole(status: 404, type: "text/plain; charset=utf-8", body: Array("404 page not found\n".utf8))
            }
            let fault = shared.faults[request.path] ?? shared.faults["*"]
            if let refusal = Self.refusal(fault, request, tokens: shared.tokens, subresource: subresource) {
                return refusal
            }
            return Self.reply(request.path, fault, &shared, movesUsage: movesUsage)
        }
    }

    private static func refusal(
        _ fault: Fault?, _ request: Request, tokens: Set<String>, subresource: String
    ) -> Reply? {
        let text = "text/plain; charset=utf-8"
        let isKnown = tokens.isEmpty || tokens.contains { request.authorization == "Bearer \($0)" }
        switch fault {
        case .hang: return .silence
        case .status(let status, let body): return .whole(status: status, type: text, body: Array(body.utf8))
        case .body(let body): return .whole(status: 200, type: "application/json", body: body)
        case .forbidden:
            let user = "system:serviceaccount:tocsin:tocsin-agent"
            let body = "Forbidden (user=\(user), verb=get, resource=nodes, subresource(s)=[\(subresource)])\n"
            return .whole(status: 403, type: text, body: Array(body.utf8))
        case .unauthorized: return .whole(status: 401, type: text, body: Array("Unauthorized".utf8))
        case .cut, .nullItems, .staticPodsOnly, nil:
            return isKnown ? nil : .whole(status: 401, type: text, body: Array("Unauthorized".utf8))
        }
    }

    private static func reply(_ path: String, _ fault: Fault?, _ shared: inout Shared, movesUsage: Bool) -> Reply {
        advanceTimeline(&shared)
        let json = "application/json"
        do {
            let body: [UInt8]
            var type = json
            switch path {
            case "/pods": body = try pods(fault, &shared)
            case "/stats/summary":
                let elapsed = movesUsage ? Date.now.timeIntervalSince(shared.shownAt) : 0
                body = shared.state.usage(after: elapsed).bytes
            case "/metrics/probes":
                (type, body) = ("text/plain; version=0.0.4; charset=utf-8", Array(shared.state.probes.utf8))
            default: (type, body) = ("text/plain; charset=utf-8", Array("ok".utf8))
            }
            return fault == .cut ? .cut(type: type, body: body) : .whole(status: 200, type: type, body: body)
        } catch {
            return .whole(status: 500, type: "text/plain; charset=utf-8", body: Array("\(error)".utf8))
        }
    }

    private static func advanceTimeline(_ shared: inout Shared) {
        let elapsed = Date.now.timeIntervalSince(shared.timelineStart)
        while let next = shared.timeline.first, next.after <= elapsed {
            shared.timeline.removeFirst()
            (shared.state, shared.shownAt, shared.podBytes) = (next.state, .now, nil)
        }
    }

    private static func pods(_ fault: Fault?, _ shared: inout Shared) throws -> [UInt8] {
        var list = shared.state.podList
        switch fault {
        case .nullItems: list["items"] = .null
        case .staticPodsOnly:
            list["items"]?.elements.removeAll {
                $0["metadata"]?["annotations"]?["kubernetes.io/config.source"]?.text != "file"
            }
        default:
            if let bytes = shared.podBytes { return bytes }
            shared.podBytes = list.bytes
            return shared.podBytes ?? []
        }
        return list.bytes
    }
}

extension KubeletState {
    /// The usage `seconds` after the capture: times go on, CPU at the captured rate (at least a thousandth of a core),
    /// network at 1.5 and 0.5 KB a second, memory by a few pages.
    func usage(after seconds: Double) -> JSONValue {
        guard seconds > 0 else { return stats }
        var moved = stats.mappingStrings { $0 == "time" ? KubeletTime.shift($1, by: seconds.rounded(.down)) : $1 }
        let pages = Int64(seconds) % 7 * 4096
        moved.mapElements("pods") { pod in
            pod["network"]?.add(Int64(seconds * 1500), to: "rxBytes")
            pod["network"]?.add(Int64(seconds * 500), to: "txBytes")
            pod.mapElements("containers") { container in
                let rate = max(1e6, container["cpu"]?["usageNanoCores"]?.number ?? 0)
                container["cpu"]?.add(Int64(rate * seconds), to: "usageCoreNanoSeconds")
                container["memory"]?.add(pages, to: "workingSetBytes")
            }
        }
        return moved
    }
}

extension JSONValue {
    /// Adds to a whole number; without one nothing changes.
    fileprivate mutating func add(_ amount: Int64, to key: String) {
        guard case .int(let value)? = self[key] else { return }
        self[key] = .int(value + amount)
    }
}
