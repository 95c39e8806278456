import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// An API server that lists and watches collections, such as the pods of one node: HTTP/1.1 over TLS with bearer
/// tokens, refusals as the real one words them.
///
/// Objects come from lines of a watch (`send`): they change what a list of their collection says and go to every open
/// watch of it. A watch from an earlier version gets the lines since; a version from the future gets silence.
package final class ApiServerReplay: Sendable {
    /// What goes wrong.
    package enum Fault: Sendable, Hashable {
        /// This status with this body.
        case status(Int, String)
        /// 200 and the answer cut in the middle; a watch is cut in the middle of its first line.
        case cut
        /// 200 with these bytes: a list's body, or the only lines of a watch, which ends after them.
        case body(String)
        /// 200 for a watch and then nothing; a list is not answered.
        case silence
    }

    /// Which requests a fault is for.
    package enum Verb: Sendable, Hashable {
        case list, watch, create, patch
        /// One object by its name.
        case get
    }

    /// One request that came.
    package struct Request: Sendable, Hashable {
        /// What was asked for.
        package var verb: Verb
        /// Path and query.
        package var uri: String
        /// The `Authorization` field as it came.
        package var authorization: String?
    }

    enum Reply: Sendable {
        case whole(status: Int, body: [UInt8])
        case cut(body: [UInt8])
        case stream(lines: [[UInt8]], ends: Bool)
        case silence
    }

    struct Line {
        var version: Int
        var bytes: [UInt8]
    }

    struct Collection {
        var log: [Line] = []
        var items: [String: JSONValue] = [:]
    }

    struct Watch {
        var path: String
        var channel: any Channel
    }

    /// Where something goes wrong; of no path everywhere.
    struct Place: Hashable {
        var verb: Verb
        var path: String?
    }

    struct Shared {
        var tokens: Set<String>
        /// Single objects by their path.
        var objects: [String: JSONValue] = [:]
        var accounts = Accounts()
        var collections: [String: Collection] = [:]
        var version = 1
        /// Lists that were told in pages, by path and version.
        var lists: [String: [JSONValue]] = [:]
        /// Lines of before it are forgotten.
        var compacted = 0
        var faults: [Place: Fault] = [:]
        var requests: [Request] = []
        var watches: [ObjectIdentifier: Watch] = [:]
        var group: MultiThreadedEventLoopGroup?
    }

    /// Path of all pods.
    package static let pods = "/api/v1/pods"
    /// Path of all nodes; one of them is asked for by its name.
    package static let nodes = "/api/v1/nodes"

    let shared: Mutex<Shared>
    private let tls: KubeletReplay.TLS

    /// Makes a server that is not started and has no pods; `tokens` are let in.
    package init(tls: KubeletReplay.TLS, tokens: Set<String>) {
        self.tls = tls
        shared = Mutex(Shared(tokens: tokens))
    }

    /// Starts listening on 127.0.0.1 and returns the port.
    package func start() async throws -> Int {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let context = try KubeletReplay.context(tls)
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
                    try pipeline.addHandler(ApiServerHandler(self))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        shared.withLock { $0.group = group }
        guard let port = channel.localAddress?.port else { throw KubeletReplayError.noPort }
        return port
    }

    /// Closes the port and all connections.
    package func stop() async throws {
        let group = shared.withLock { shared in
            defer { shared.group = nil }
            return shared.group
        }
        try await group?.shutdownGracefully()
    }

    /// Applies one line of a watch to the collection of a path and sends it to every open watch of it.
    package func send(_ line: [UInt8], to path: String = pods) throws {
        let event = try JSONValue(parsing: line)
        let metadata = event["object"]?["metadata"]
        guard let version = metadata?["resourceVersion"]?.text.flatMap({ Int($0) }) else { return }
        let watches: [any Channel] = shared.withLock { shared in
            shared.version = max(shared.version, version)
            if event["type"]?.text != "BOOKMARK", let uid = metadata?["uid"]?.text {
                shared.collections[path, default: Collection()].items[uid] =
                    event["type"]?.text == "DELETED" ? nil : event["object"]
                shared.collections[path]?.log.append(Line(version: version, bytes: line))
            }
            return shared.watches.values.filter { $0.path == path }.map(\.channel)
        }
        for channel in watches { Self.write(line + [10], to: channel) }
    }

    /// Cuts every open watch, after half of `line` when there is one.
    package func cutWatches(inside line: [UInt8] = []) {
        for channel in shared.withLock({ $0.watches.values.map(\.channel) }) {
            if !line.isEmpty { Self.write(Array(line.prefix(line.count / 2)), to: channel) }
            channel.close(promise: nil)
        }
    }

    /// Ends every open watch in order, after `line` when there is one.
    package func endWatches(line: String = "") {
        let ended: [any Channel] = shared.withLock { shared in
            defer { shared.watches = [:] }
            return shared.watches.values.map(\.channel)
        }
        for channel in ended {
            if !line.isEmpty { Self.write(Array((line + "\n").utf8), to: channel) }
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }
    }

    /// Makes requests go wrong until `fault` is nil: those of one path, or all.
    package func fail(_ fault: Fault?, _ verb: Verb, at path: String? = nil) {
        shared.withLock { $0.faults[Place(verb: verb, path: path)] = fault }
    }

    /// Which tokens are let in.
    package func accept(tokens: Set<String>) {
        shared.withLock { $0.tokens = tokens }
    }

    /// Forgets the lines so far, as etcd's compaction does: a watch from before gets 410.
    package func compact() {
        shared.withLock { shared in
            for path in shared.collections.keys { shared.collections[path]?.log = [] }
            shared.version += 1
            shared.compacted = shared.version
        }
    }

    /// Requests so far, oldest first.
    package var requests: [Request] { shared.withLock { $0.requests } }

    /// Watches that are open.
    package var watchCount: Int { shared.withLock { $0.watches.count } }

    private static func write(_ bytes: [UInt8], to channel: any Channel) {
        channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
    }
}

extension ApiServerReplay {
    /// The answer; a watch that goes on is registered with it, so that no line falls between the two.
    func reply(
        _ method: String, uri: String, authorization: String?, body: [UInt8], channel: any Channel
    ) -> Reply {
        let query = Self.query(uri)
        let path = String(uri.prefix { $0 != "?" })
        return shared.withLock { shared in
            let verb = Self.verb(method, query, isObject: Self.namesObject(path, shared))
            shared.requests.append(Request(verb: verb, uri: uri, authorization: authorization))
            guard shared.tokens.contains(where: { authorization == "Bearer \($0)" }) else {
                return .whole(status: 401, body: Self.status(401, "Unauthorized", "Unauthorized"))
            }
            let fault = shared.faults[Place(verb: verb, path: path)] ?? shared.faults[Place(verb: verb, path: nil)]
            let reply: Reply
            if let fault {
                reply = Self.reply(fault, verb, path, &shared)
            } else {
                reply =
                    switch verb {
                    case .list: Self.list(query, path, &shared)
                    case .watch: Self.watch(query, path, shared)
                    case .get, .create, .patch: Self.object(verb, path, body, &shared)
                    }
            }
            if case .stream(_, ends: false) = reply, fault == nil {
                shared.watches[ObjectIdentifier(channel)] = Watch(path: path, channel: channel)
            }
            return reply
        }
    }

    func closed(_ channel: any Channel) {
        shared.withLock { $0.watches[ObjectIdentifier(channel)] = nil }
    }

    private static func reply(_ fault: Fault, _ verb: Verb, _ path: String, _ shared: inout Shared) -> Reply {
        switch fault {
        case .status(let status, let body): .whole(status: status, body: Array(body.utf8))
        case .cut: .cut(body: list([:], path, &shared).body)
        case .body(let body):
            verb == .watch
                ? .stream(lines: [Array(body.utf8)], ends: true) : .whole(status: 200, body: Array(body.utf8))
        case .silence: verb == .watch ? .stream(lines: [], ends: false) : .silence
        }
    }

    /// All pages of a list are of the moment of the first, as those of an API server are: what changes meanwhile would
    /// be in none of them otherwise, nor in a watch from the last one's version.
    private static func list(_ query: [String: String], _ path: String, _ shared: inout Shared) -> Reply {
        let limit = query["limit"].flatMap { Int($0) } ?? 1000
        let token = (query["continue"] ?? "").split(separator: ".").compactMap { Int($0) }
        let (start, version) = token.count == 2 ? (token[0], token[1]) : (0, shared.version)
        let place = "\(path)@\(version)"
        let items =
            shared.lists[place] ?? (shared.collections[path]?.items ?? [:]).sorted { $0.key < $1.key }.map(\.value)
        var metadata: [String: JSONValue] = ["resourceVersion": .string(String(version))]
        if start + limit < items.count {
            metadata["continue"] = .string("\(start + limit).\(version)")
            shared.lists[place] = items
        }
        let list: JSONValue = .object([
            "kind": .string("PodList"), "metadata": .object(metadata),
            "items": .array(Array(items.dropFirst(start).prefix(limit))),
        ])
        return .whole(status: 200, body: list.bytes)
    }

    private static func watch(_ query: [String: String], _ path: String, _ shared: Shared) -> Reply {
        guard let version = query["resourceVersion"].flatMap({ Int($0) }) else {
            return .whole(status: 500, body: status(500, "", "resourceVersion: Invalid value"))
        }
        let log = shared.collections[path]?.log ?? []
        if version < shared.compacted {
            let expired = status(410, "Expired", "too old resource version: \(version) (\(shared.compacted))")
            return .stream(lines: [Array(#"{"type":"ERROR","object":"#.utf8) + expired + Array("}".utf8)], ends: true)
        }
        return .stream(lines: log.filter { $0.version > version }.map(\.bytes), ends: false)
    }

    static func status(_ code: Int, _ reason: String, _ message: String) -> [UInt8] {
        Array(
            #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"\#(message)","reason":"\#(reason)","code":\#(code)}"#
                .utf8)
    }

    private static func query(_ uri: String) -> [String: String] {
        let pairs = uri.drop { $0 != "?" }.dropFirst().split(separator: "&").map {
            $0.split(separator: "=", maxSplits: 1)
        }
        return Dictionary(pairs.map { (String($0[0]), $0.count > 1 ? String($0[1]) : "") }, uniquingKeysWith: { $1 })
    }
}

extension ApiServerReplay.Reply {
    /// The body of a whole answer.
    var body: [UInt8] {
        if case .whole(_, let body) = self { body } else { [] }
    }
}
