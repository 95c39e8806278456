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
    init(lab: TocsinLab, as name: String? = nil) async throws {
        let context = try name.map { name in
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(lab.path("tls/\(name).crt")).map {
                .certificate($0)
            }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: lab.path("tls/\(name).key"), format: .pem))
            tls.trustRoots = .file(lab.path("tls/ca.crt"))
            tls.applicationProtocols = ["h2"]
            return try NIOSSLContext(configuration: tls)
        }
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let context else { return }
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                }
            }
            .connect(host: "127.0.0.1", port: lab.port).get()
    }

    /// A frame of HTTP/2.
    static func frame(type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, length: Int? = nil, payload: [UInt8])
        -> [UInt8]
    {
        let length = length ?? payload.count
        return [UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, flags]
            + withUnsafeBytes(of: stream.bigEndian) { Array($0) } + payload
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
