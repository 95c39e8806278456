import Foundation
import Synchronization
import TocsinTestKit

/// An actuator on loopback whose every answer has a number of its own, and which remembers when it gave which.
final class NumberedService: Sendable {
    private let server: CannedHTTPServer
    private let log: Log

    private final class Log: Sendable {
        let times = Mutex<[Double]>([])
    }

    init() throws {
        let log = Log()
        self.log = log
        server = try CannedHTTPServer { request in
            switch request.path {
            case "/actuator":
                let links = #"{"_links":{"health":{"href":"h"},"prometheus":{"href":"p"}}}"#
                return .bytes(CannedHTTPServer.answer(200, links))
            case "/actuator/health":
                return .bytes(CannedHTTPServer.answer(200, #"{"status":"UP"}"#))
            case "/actuator/prometheus":
                let number = log.times.withLock { times in
                    times.append(Date().timeIntervalSince1970)
                    return times.count
                }
                return .bytes(CannedHTTPServer.answer(200, type: "text/plain; version=0.0.4", Self.text(number)))
            default:
                return .bytes(CannedHTTPServer.answer(404))
            }
        }
    }

    var url: String { server.url + "/actuator" }

    /// When each number was given; the first one is 1.
    var times: [Double] { log.times.withLock { $0 } }

    func stop() { server.stop() }

    private static func text(_ number: Int) -> String {
        let pools = (0..<40).map { pool in
            // No number that the one before tells: what is sent of it has some size.
            "jvm_memory_used_bytes{area=\"heap\",id=\"pool \(pool)\",} \(number * 2_654_435_761 * (pool + 3) % 999_999_937)"
        }
        return "# TYPE jvm_memory_used_bytes gauge\n" + pools.joined(separator: "\n")
            + "\n# TYPE logback_events_total counter\nlogback_events_total{level=\"error\",} \(number)\n"
    }
}
