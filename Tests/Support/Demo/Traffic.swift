import CurlHTTP
import Probing
import Synchronization
import Telemetry

/// Steady requests against the demo service: about 20 a second, a share of them failing or slow when told so.
final class Traffic: Sendable {
    private struct Mix {
        var failingShare = 0.0
        var slowShare = 0.0
        var count = 0
    }

    private let client: CurlHTTPClient
    private let url: String
    private let mix = Mutex(Mix())

    init(client: CurlHTTPClient, url: String) {
        self.client = client
        self.url = url
    }

    /// Lets this share of the requests fail with 500.
    func fail(share: Double) { mix.withLock { $0.failingShare = share } }

    /// Lets this share of the requests take 2.5 s.
    func slow(share: Double) { mix.withLock { $0.slowShare = share } }

    /// Sends until cancelled, at most 64 requests at once.
    func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let path = nextPath()
                group.addTask { _ = await self.get(path, timeout: .seconds(5)) }
                do {
                    try await Task.sleep(for: .milliseconds(50))
                } catch {
                    return
                }
            }
        }
    }

    /// One request; nil when there was no answer.
    @discardableResult
    func get(_ path: String, timeout: Duration = .seconds(20)) async -> HTTPResponse? {
        let result = await client.fetch(HTTPRequest(url: url + path, totalTimeout: timeout))
        if case .response(let response) = result { return response }
        return nil
    }

    private func nextPath() -> String {
        mix.withLock { mix in
            mix.count += 1
            // A fixed pattern, not chance: of every 20 requests the first ones fail or are slow.
            let position = Double(mix.count % 20) / 20
            if position < mix.failingShare { return "/boom" }
            if position < mix.failingShare + mix.slowShare { return "/slow?ms=2500" }
            return "/ok"
        }
    }
}
