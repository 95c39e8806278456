import Foundation

/// What a program serves over HTTP, as curl sees it.
package struct MetricsPage: Sendable {
    private let port: Int

    /// Asks the program that listens on this port of the loopback.
    package init(port: Int) {
        self.port = port
    }

    /// The status of a path, 0 when nobody answers.
    package func status(_ path: String, method: String = "GET") async throws -> Int {
        let curl = try ChildProcess(
            "/usr/bin/curl",
            ["-s", "-o", "/dev/null", "-w", "%{http_code}\n", "-X", method, "http://127.0.0.1:\(port)\(path)"])
        _ = try await curl.waitForExit()
        return curl.lines.last.flatMap { Int($0) } ?? 0
    }

    /// The values at `/metrics` by name; labels are part of the name.
    package func figures() async throws -> [String: Double] {
        let lines = try await ChildProcess.run("/usr/bin/curl", ["-sf", "http://127.0.0.1:\(port)/metrics"])
        return Dictionary(
            uniqueKeysWithValues: lines.filter { !$0.hasPrefix("#") }.compactMap { line in
                let words = line.split(separator: " ")
                return words.count == 2 ? Double(words[1]).map { (String(words[0]), $0) } : nil
            })
    }
}
