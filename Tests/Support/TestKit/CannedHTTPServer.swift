import Foundation
import Glibc
import Synchronization

/// A small real HTTP server on a loopback port that answers with given bytes: recorded answers, broken ones, or none.
///
/// One thread a connection, blocking sockets; connections are kept alive until the answer says otherwise.
package final class CannedHTTPServer: Sendable {
    /// A request as it came.
    package struct Request: Sendable {
        /// Method, such as GET.
        package var method: String
        /// Path and query, as sent.
        package var path: String
        /// Header fields, names in lower case.
        package var headers: [String: String]
        /// Body, as long as `Content-Length` says.
        package var body: [UInt8] = []
        /// Body as text.
        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// What to do about a request.
    package enum Answer: Sendable {
        /// Sends these bytes and keeps the connection.
        case bytes([UInt8])
        /// Sends these bytes and closes the connection.
        case cut([UInt8])
        /// Sends nothing and keeps the connection until the server stops.
        case silence
        /// Waits, then sends these bytes.
        case late(Duration, [UInt8])
        /// Waits and sends, piece by piece, and closes the connection.
        case pieces([(after: Duration, bytes: [UInt8])])
    }

    private struct State {
        var connections: Set<Int32> = []
        var requests: [Request] = []
        var connectionCount = 0
        var isStopped = false
    }

    /// The port on 127.0.0.1.
    package let port: Int
    private let listener: Int32
    private let handler: @Sendable (Request) -> Answer
    private let state = Mutex(State())

    /// Starts to listen on a free port of 127.0.0.1.
    package init(_ handler: @escaping @Sendable (Request) -> Answer) throws {
        self.handler = handler
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard listener >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutableBytes(of: &address) { raw in
            let pointer = raw.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            return bind(listener, pointer, length) == 0 && listen(listener, 512) == 0
                && getsockname(listener, pointer, &length) == 0
        }
        guard bound else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in accept() }
    }

    /// `http://127.0.0.1:PORT`.
    package var url: String { "http://127.0.0.1:\(port)" }

    /// Requests so far, in order.
    package var requests: [Request] { state.withLock { $0.requests } }

    /// Connections accepted so far.
    package var connectionCount: Int { state.withLock { $0.connectionCount } }

    /// Closes the port and every connection.
    package func stop() {
        let connections: Set<Int32> = state.withLock { state in
            guard !state.isStopped else { return [] }
            state.isStopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            close(listener)
            return state.connections
        }
        for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    /// A complete answer with `Content-Length`.
    package static func answer(
        _ status: Int = 200, type: String? = "application/json", headers: [String] = [], _ body: String = ""
    ) -> [UInt8] {
        var head = ["HTTP/1.1 \(status) ", "Content-Length: \(body.utf8.count)"] + headers
        if let type { head.append("Content-Type: \(type)") }
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    private func accept() {
        while true {
            let connection = Glibc.accept(listener, nil, nil)
            guard connection >= 0 else { return }
            let taken = state.withLock { state in
                guard !state.isStopped else { return false }
                state.connections.insert(connection)
                state.connectionCount += 1
                return true
            }
            guard taken else {
                close(connection)
                return
            }
            Thread.detachNewThread { [self] in serve(connection) }
        }
    }

    private func serve(_ connection: Int32) {
        defer {
            state.withLock { _ = $0.connections.remove(connection) }
            // A process that another test started may have inherited it: closing alone would not end it.
            shutdown(connection, Int32(SHUT_RDWR))
            close(connection)
        }
        var buffer: [UInt8] = []
        while let request = read(connection, &buffer) {
            state.withLock { $0.requests.append(request) }
            switch handler(request) {
            case .bytes(let bytes):
                guard send(bytes, to: connection) else { return }
            case .cut(let bytes):
                _ = send(bytes, to: connection)
                return
            case .late(let delay, let bytes):
                usleep(UInt32(delay / .microseconds(1)))
                guard send(bytes, to: connection) else { return }
            case .pieces(let pieces):
                for piece in pieces {
                    usleep(UInt32(piece.after / .microseconds(1)))
                    guard send(piece.bytes, to: connection) else { return }
                }
                return
            case .silence:
                var byte: UInt8 = 0
                while recv(connection, &byte, 1, 0) > 0 {}
                return
            }
        }
    }

    private func read(_ connection: Int32, _ buffer: inout [UInt8]) -> Request? {
        let end = Array("\r\n\r\n".utf8)
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            if let head = Self.head(of: buffer, upTo: end) {
                guard var request = Self.parse(String(decoding: head, as: UTF8.self)) else { return nil }
                let length = request.headers["content-length"].flatMap { Int($0) } ?? 0
                if buffer.count >= head.count + end.count + length {
                    buffer.removeFirst(head.count + end.count)
                    request.body = Array(buffer[..<length])
                    buffer.removeFirst(length)
                    return request
                }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0, buffer.count < 1 << 20 else { return nil }
            buffer += chunk[..<count]
        }
    }

    private static func head(of buffer: [UInt8], upTo end: [UInt8]) -> [UInt8]? {
        guard buffer.count >= end.count else { return nil }
        for start in 0...(buffer.count - end.count) where Array(buffer[start..<start + end.count]) == end {
            return Array(buffer[..<start])
        }
        return nil
    }

    private static func parse(_ head: String) -> Request? {
        let lines = head.split(separator: "\r\n")
        let parts = lines.first?.split(separator: " ") ?? []
        guard parts.count >= 2 else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        return Request(method: String(parts[0]), path: String(parts[1]), headers: headers)
    }

    private func send(_ bytes: [UInt8], to connection: Int32) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }
}
