import Foundation
import Glibc
import Synchronization

/// Hands TCP connections on to another port of 127.0.0.1 until it is cut: then nothing passes and nobody is told, as in
/// a partition of the network.
package final class LoopbackRelay: Sendable {
    private struct State {
        var isCut = false
        var isStopped = false
        var descriptors: Set<Int32> = []
    }

    /// The port that is handed on.
    package let port: Int
    private let destination: Int
    private let listener: Int32
    private let state = Mutex(State())

    /// Listens on a free port.
    package init(to destination: Int) throws {
        self.destination = destination
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard listener >= 0 else { throw FreePort.Failure(code: errno) }
        _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
        var address = LoopbackListener.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard bind(descriptor, address, length) == 0, listen(descriptor, 64) == 0 else { return errno }
                return getsockname(descriptor, address, &length) == 0 ? 0 : errno
            }
        }
        guard code == 0 else { throw FreePort.Failure(code: code) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in accept() }
    }

    /// Lets nothing pass any more; connections stay open and new ones get no answer.
    package func cut() { state.withLock { $0.isCut = true } }

    /// Lets new connections pass; those from before are closed, since what they carried is gone.
    package func heal() {
        state.withLock { state in
            state.isCut = false
            for descriptor in state.descriptors { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// Closes everything.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            for descriptor in state.descriptors { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        _ = shutdown(listener, Int32(SHUT_RDWR))
    }

    private func accept() {
        while true {
            let near = Glibc.accept(listener, nil, nil)
            guard near >= 0 else { break }
            let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            for descriptor in [near, far] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            let mayPass = state.withLock { state -> Bool in
                state.descriptors.formUnion([near, far])
                return !state.isCut && !state.isStopped
            }
            guard mayPass, connected(far) else {
                // In a partition the other side waits; without a server it is told at once.
                if mayPass { forget([near, far]) }
                continue
            }
            let open = Mutex(2)
            let end: @Sendable () -> Void = { [self] in
                let left = open.withLock { open in
                    open -= 1
                    return open
                }
                if left == 0 { forget([near, far]) }
            }
            Thread.detachNewThread { [self] in pump(near, far, end) }
            Thread.detachNewThread { [self] in pump(far, near, end) }
        }
        _ = close(listener)
    }

    private func connected(_ descriptor: Int32) -> Bool {
        var address = LoopbackListener.loopback(port: destination)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private func pump(_ source: Int32, _ sink: Int32, _ end: () -> Void) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            if count <= 0 { break }
            // What arrives during a partition is lost with its connection.
            if state.withLock({ $0.isCut }) { continue }
            var offset = 0
            while offset < count {
                let sent = send(sink, Array(buffer[offset..<count]), count - offset, Int32(MSG_NOSIGNAL))
                if sent <= 0 { break }
                offset += sent
            }
            if offset < count { break }
        }
        // In a partition nobody hears that the other side has gone.
        if !state.withLock({ $0.isCut }) { _ = shutdown(sink, Int32(SHUT_RDWR)) }
        end()
    }

    private func forget(_ descriptors: Set<Int32>) {
        state.withLock { $0.descriptors.subtract(descriptors) }
        for descriptor in descriptors { _ = close(descriptor) }
    }
}
