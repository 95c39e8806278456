import Glibc

/// TCP ports on the loopback that nobody uses at the moment.
package enum FreePort {
    /// What went wrong, with errno.
    package struct Failure: Error {
        /// The errno.
        package var code: Int32
    }

    /// Asks the kernel for a port and gives it back, so another process could take it before the caller does; rare, as
    /// the kernel goes round the range before it hands a port out again.
    package static func next() throws -> Int {
        let listener = try LoopbackListener(backlog: 1)
        return listener.port
    }
}

/// A listening socket on 127.0.0.1 on which nothing ever accepts: the kernel takes connections up to the backlog.
package final class LoopbackListener: Sendable {
    /// Its port.
    package let port: Int
    private let descriptor: Int32

    /// Listens; `port` 0 lets the kernel choose.
    package init(port: Int = 0, backlog: Int32 = 16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw FreePort.Failure(code: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var address = Self.loopback(port: port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard bind(descriptor, address, length) == 0, listen(descriptor, backlog) == 0 else { return errno }
                return getsockname(descriptor, address, &length) == 0 ? 0 : errno
            }
        }
        guard code == 0 else {
            _ = close(descriptor)
            throw FreePort.Failure(code: code)
        }
        self.descriptor = descriptor
        self.port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit {
        _ = close(descriptor)
    }

    /// Waits for one connection, sends `bytes` and closes it.
    ///
    /// Blocks: call it on a thread of its own.
    package func answerOnce(_ bytes: [UInt8]) {
        let peer = accept(descriptor, nil, nil)
        guard peer >= 0 else { return }
        var request = [UInt8](repeating: 0, count: 1024)
        _ = recv(peer, &request, request.count, 0)
        _ = send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        _ = shutdown(peer, Int32(SHUT_WR))
        while recv(peer, &request, request.count, 0) > 0 {}
        _ = close(peer)
    }

    /// Opens a connection to the port that stays until the returned descriptor is closed; non-blocking, so it may be
    /// half open.
    package func occupy() throws -> Int32 {
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard client >= 0 else { throw FreePort.Failure(code: errno) }
        _ = fcntl(client, F_SETFL, O_NONBLOCK)
        var address = Self.loopback(port: port)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return client
    }

    static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
