import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import TocsinTestKit

/// A connection to the coordinator that speaks no gRPC: what comes over it is what the test writes.
struct RawConnection: Sendable {
    /// The client connection preface of HTTP/2 and an empty SETTINGS frame.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(type: 4, payload: [])

    let channel: any Channel

    /// Connects; with the pair of `name` a TLS handshake follows, without one nothing does.
    ///
    /// - Parameter newest: the newest version of TLS that the client speaks.
    init(lab: TocsinLab, as name: String? = nil, newest: TLSVersion = .tlsv13) async throws {
        let context = try name.map { name in
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(lab.path("tls/\(name).crt")).map {
                .certificate($0)
            }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: lab.path("tls/\(name).key"), format: .pem))
            tls.trustRoots = .file(lab.path("tls/ca.crt"))
            tls.applicationProtocols = ["h2"]
            tls.maximumTLSVersion = newest
            return try NIOSSLContext(configuration: tls)
        }
        try await self.init(port: lab.port, context: context)
    }

    /// Connects without a certificate to the listener for callers with tokens; `roots` is its authority's file.
    init(tokenPort port: Int, roots: String, newest: TLSVersion = .tlsv13) async throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.maximumTLSVersion = newest
        tls.trustRoots = .file(roots)
        tls.applicationProtocols = ["h2"]
        try await self.init(port: port, context: try NIOSSLContext(configuration: tls))
    }

    private init(port: Int, context: NIOSSLContext?) async throws {
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let context else { return }
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// A frame of HTTP/2.
    static func frame(type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, length: Int? = nil, payload: [UInt8])
        -> [UInt8]
    {
        let length = length ?? payload.count
        return [UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, flags]
            + withUnsafeBytes(of: stream.bigEndian) { Array($0) } + payload
    }

    /// A call with an empty message and a token, on a connection's first stream.
    static func call(_ path: String, token: String) -> [UInt8] {
        /// RFC 7541, 5.1, under a prefix of so many bits.
        func integer(_ value: Int, bits: Int, flags: UInt8 = 0) -> [UInt8] {
            let most = 1 << bits - 1
            guard value >= most else { return [flags | UInt8(value)] }
            var bytes = [flags | UInt8(most)]
            var rest = value - most
            while rest >= 128 {
                bytes.append(UInt8(rest % 128 + 128))
                rest /= 128
            }
            return bytes + [UInt8(rest)]
        }
        /// A field that is not indexed, its name from the static table.
        func field(_ name: Int, _ value: String) -> [UInt8] {
            integer(name, bits: 4) + integer(value.utf8.count, bits: 7) + Array(value.utf8)
        }
        let te = [0x00, 0x02] + Array("te".utf8) + [0x08] + Array("trailers".utf8)
        // `:method: POST`, `:scheme: https`, then `:path`, `:authority`, `content-type`, `authorization`.
        let fields =
            [0x83, 0x87] + field(4, path) + field(1, "localhost") + field(31, "application/grpc") + te
            + field(23, "Bearer \(token)")
        return frame(type: 1, flags: 4, stream: 1, payload: fields)
            + frame(type: 0, flags: 1, stream: 1, payload: [0, 0, 0, 0, 0])
    }

    /// Whether neither side has closed it.
    var isOpen: Bool { channel.isActive }

    /// Writes, after the handshake where there is one; the other side may have closed by now.
    func send(_ bytes: [UInt8]) async {
        try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// Whether the coordinator closes the connection within the time.
    func isClosed(within time: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                try? await channel.closeFuture.get()
                return true
            }
            group.addTask {
                try? await Task.sleep(for: time)
                return false
            }
            let isClosed = await group.next() ?? false
            if !isClosed { channel.close(promise: nil) }
            group.cancelAll()
            return isClosed
        }
    }
}
