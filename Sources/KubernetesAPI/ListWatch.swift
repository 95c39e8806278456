package import FlowControl
import FoundationEssentials
package import Probing
import Telemetry

/// Follows the objects of one collection at the API server: lists them, watches them, and begins anew where it must.
///
/// What is asked for next is decided by `ListWatchMachine`; the token is read again for each request.
package struct ListWatch<Object: Decodable & Sendable>: Sendable {
    /// What is followed.
    package struct Collection: Sendable, Hashable {
        /// Path of the collection, such as `/api/v1/pods`.
        package var path: String
        /// A parameter that narrows it, escaped, such as `fieldSelector=spec.nodeName%3Dnode-1`; nil: all of it.
        package var selector: String?
        /// Its name in messages, such as `pods`.
        package var name: String
        /// Objects on one page of a list.
        package var pageSize: Int
        /// Silence on a watch after which the list is asked for again.
        package var idleTimeout: Duration
        /// How long the server is asked to keep a watch open.
        ///
        /// A range, so that a fleet does not come back at one moment.
        package var watchSeconds: ClosedRange<Int>
        /// Whether the server sends bookmarks, as it does of all but events.
        package var sendsBookmarks: Bool
        /// Pauses between requests that fail.
        package var backoff: Backoff

        /// Names a collection.
        package init(
            path: String, selector: String? = nil, name: String, pageSize: Int = 250,
            idleTimeout: Duration = .seconds(150), watchSeconds: ClosedRange<Int> = 240...360,
            sendsBookmarks: Bool = true, backoff: Backoff = Backoff(base: .milliseconds(200), cap: .seconds(30))
        ) {
            self.path = path
            self.selector = selector
            self.name = name
            self.pageSize = pageSize
            self.idleTimeout = idleTimeout
            self.watchSeconds = watchSeconds
            self.sendsBookmarks = sendsBookmarks
            self.backoff = backoff
        }
    }

    /// What became known.
    package enum News: Sendable {
        /// All objects there are; without `isComplete` some that could not be read are missing.
        case listed([Object], isComplete: Bool)
        /// A line of the watch: an object is new or changed.
        case changed(Object)
        /// A line of the watch: an object is gone, and was this.
        case deleted(Object)
        /// A line of the watch: nothing has changed so far.
        case unchanged
        /// A line of the watch that could not be read.
        case garbled
        /// So many objects of a list could not be read.
        case unreadable(Int)
        /// A watch is asked for.
        case asking
        /// The watch stands.
        case watching
        /// A list or a watch failed or ended; it is tried again.
        case broken(KubernetesClient.Problem)
    }

    private let client: KubernetesClient
    private let http: any HTTPStreaming
    private let collection: Collection

    /// Follows a collection at an endpoint.
    package init(_ collection: Collection, at endpoint: KubernetesEndpoint, http: any HTTPFetching & HTTPStreaming) {
        self.collection = collection
        self.http = http
        client = KubernetesClient(endpoint, fetcher: http)
    }

    /// Lists and watches until the task is cancelled.
    ///
    /// - Parameters:
    ///   - known: how many objects are there by what was told before.
    ///   - take: is told what became known, in order, one after the other. Both are asynchronous so that an actor's own
    ///     closures run on it, whichever executor an answer comes in on.
    package func run(known: () async -> Int, take: (News) async -> Void) async {
        var generator = SystemRandomNumberGenerator()
        var machine = ListWatchMachine<Object>(
            sendsBookmarks: collection.sendsBookmarks, backoff: collection.backoff)
        while !Task.isCancelled {
            let isFine =
                switch machine.request {
                case .list(let token): await list(continuing: token, &machine, known: known, take: take)
                case .watch(let version):
                    await follow(
                        since: version, seconds: Int.random(in: collection.watchSeconds, using: &generator), &machine,
                        take: take)
                }
            if isFine { continue }
            try? await Task.sleep(for: machine.pause(using: &generator))
        }
    }

    /// Whether the next request may go out at once.
    private func list(
        continuing token: String?, _ machine: inout ListWatchMachine<Object>, known: () async -> Int,
        take: (News) async -> Void
    ) async -> Bool {
        let path =
            "\(collection.path)?\(selector)limit=\(collection.pageSize)"
            + (token.map { "&continue=" + QueryText.escaped($0) } ?? "")
        let answer = await client.get(path)
        guard !Task.isCancelled else { return true }
        switch answer {
        case .failure(let problem):
            machine.listFailed()
            await broken(problem, doing: "listing", take)
            return false
        case .success(let bytes):
            guard let page = try? JSONDecoder().decode(ObjectPage<Object>.self, from: Data(bytes)) else {
                machine.listFailed()
                let message = "\(bytes.count) bytes that are no list of \(collection.name)"
                await broken(KubernetesClient.Problem(failureClass: .body, message: message), doing: "listing", take)
                return false
            }
            if page.unreadable > 0 { await take(.unreadable(page.unreadable)) }
            guard let snapshot = machine.page(page, known: await known()) else { return page.next != nil }
            await take(.listed(snapshot.objects, isComplete: snapshot.isComplete))
            return true
        }
    }

    private func follow(
        since version: String, seconds: Int, _ machine: inout ListWatchMachine<Object>, take: (News) async -> Void
    ) async -> Bool {
        let credentials: [Label]
        do {
            credentials = try client.credentials()
        } catch {
            await broken(error, doing: "watching", take)
            return false
        }
        let path =
            "\(collection.path)?watch=1&allowWatchBookmarks=true&\(selector)resourceVersion=\(QueryText.escaped(version))"
            + "&timeoutSeconds=\(seconds)"
        let endpoint = client.endpoint
        let request = HTTPRequest(
            url: endpoint.url + path, headers: [Label("Accept", "application/json")] + credentials,
            connectTimeout: endpoint.deadline / 2, totalTimeout: .seconds(seconds + 30), trust: endpoint.trust)
        await take(.asking)
        var reader = WatchReader()
        let failure = await http.stream(request, limits: HTTPStreamLimits(idleTimeout: collection.idleTimeout)) {
            part in
            for line in reader.take(part) where !Task.isCancelled {
                guard await follow(WatchMessage(line), &reader, &machine, take) else { return false }
            }
            if reader.isOpen { await take(.watching) }
            return !reader.isGarbled
        }
        guard !Task.isCancelled else { return true }
        let (ending, problem) = verdict(reader, failure)
        machine.ended(ending)
        await broken(problem, doing: "watching", take)
        // An orderly end is the server's timeout: no trouble, yet the pause spreads the fleet.
        return false
    }

    /// Whether the watch goes on after a line.
    private func follow(
        _ message: WatchMessage<Object>, _ reader: inout WatchReader, _ machine: inout ListWatchMachine<Object>,
        _ take: (News) async -> Void
    ) async -> Bool {
        switch message {
        case .changed(let object, let version):
            machine.advanced(to: version)
            await take(.changed(object))
        case .deleted(let object, let version):
            machine.advanced(to: version)
            await take(.deleted(object))
        case .bookmark(let version):
            machine.advanced(to: version)
            await take(.unchanged)
        case .failed(let code, let message):
            reader.error = (code, message)
            return false
        case .unreadable(let version):
            machine.advanced(to: version)
            await take(.garbled)
        }
        return true
    }

    private func verdict(
        _ reader: WatchReader, _ failure: HTTPFailure?
    ) -> (ListWatchMachine<Object>.Ending, KubernetesClient.Problem) {
        typealias Problem = KubernetesClient.Problem
        if let (code, message) = reader.error {
            return (
                .refused(status: code, inLine: true), Problem(failureClass: .status, message: "\(code) \(message)")
            )
        }
        if reader.isGarbled { return (.garbled, Problem(failureClass: .body, message: "a line is too long")) }
        if let status = reader.refusal {
            let response = HTTPResponse(status: status, headers: [], body: reader.refusalBody, duration: .zero)
            return (.refused(status: status, inLine: false), client.refusal(response))
        }
        if let failure {
            return (
                failure.failureClass == .timeout && failure.connected ? .silent : .cut,
                Problem(failureClass: failure.failureClass, message: failure.message)
            )
        }
        return (.closed, Problem(failureClass: .unavailable, message: "the API server ended the watch"))
    }

    private func broken(_ problem: KubernetesClient.Problem, doing: String, _ take: (News) async -> Void) async {
        var problem = problem
        problem.message = "\(doing) \(collection.name): \(problem.message)"
        await take(.broken(problem))
    }

    private var selector: String { collection.selector.map { $0 + "&" } ?? "" }
}

/// Text in a URL's path and query.
package enum QueryText {
    /// All but letters, digits and `-._~` as percent and two hexadecimal digits (RFC 3986, 2.3).
    package static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: bytes.append(byte)
            default: bytes += [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
