import Foundation
import Probing
import Telemetry

/// Fetches with the `curl` command.
struct TestFetcher: HTTPFetching {
    static func make() -> any HTTPFetching { TestFetcher() }

    func fetch(_ request: HTTPRequest) async -> HTTPResult {
        var arguments = ["-sS", "-i", "--max-time", String(request.totalTimeout.inSeconds)]
        arguments += ["--max-filesize", String(request.bodyBytesMax)]
        for header in request.headers { arguments += ["-H", "\(header.name): \(header.value)"] }
        var url = request.url
        switch request.trust {
        case .system: break
        case .insecure: arguments.append("-k")
        case .pin(let pin): arguments += ["-k", "--pinnedpubkey", "sha256//\(pin)"]
        case .roots(let file, let serverName):
            arguments += ["--cacert", file]
            if let serverName, let parts = URLComponents(string: url), let host = parts.host, let port = parts.port {
                arguments += ["--connect-to", "\(serverName):\(port):\(host):\(port)"]
                url = "https://\(serverName):\(port)\(parts.path)"
            }
        }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["curl"] + arguments + [url]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return .failure(HTTPFailure(.internal, "\(error)", connected: false)) }
        let data = (try? output.fileHandleForReading.readToEnd()) ?? Data()
        process.waitUntilExit()
        switch process.terminationStatus {
        case 0: break
        case 6: return .failure(HTTPFailure(.dns, "dns", connected: false))
        case 7: return .failure(HTTPFailure(.refused, "refused", connected: false))
        case 28: return .failure(HTTPFailure(.timeout, "timeout", connected: true))
        case 35, 60, 77, 90: return .failure(HTTPFailure(.tls, "tls", connected: true))
        case 18, 56, 63: return .failure(HTTPFailure(.body, "cut", connected: true))
        default: return .failure(HTTPFailure(.internal, "curl \(process.terminationStatus)", connected: false))
        }
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else {
            return .failure(HTTPFailure(.body, "no head", connected: true))
        }
        let head = String(decoding: data[..<end.lowerBound], as: UTF8.self).split(separator: " ")
        return .response(
            HTTPResponse(
                status: Int(head[1].prefix(3)) ?? 0, headers: [], body: [UInt8](data[end.upperBound...]),
                duration: .zero))
    }
}
