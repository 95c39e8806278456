import NIOCore
import NIOHTTP1

/// Answers the requests of one connection; a watch takes the rest of it.
final class ApiServerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let replay: ApiServerReplay
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(_ replay: ApiServerReplay) {
        self.replay = replay
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): (self.head, body) = (head, [])
        case .body(let part): body += part.readableBytesView
        case .end:
            guard let head else { return }
            self.head = nil
            let authorization = head.headers.first(name: "authorization")
            answer(
                context,
                replay.reply(
                    head.method.rawValue, uri: head.uri, authorization: authorization, body: body,
                    channel: context.channel))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        replay.closed(context.channel)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ context: ChannelHandlerContext, _ reply: ApiServerReplay.Reply) {
        switch reply {
        case .silence: break
        case .whole(let status, let body):
            writeHead(context, status: status, length: body.count)
            write(context, body)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .cut(let body):
            writeHead(context, status: 200, length: max(2, body.count))
            write(context, Array(body.prefix(body.count / 2)))
            context.flush()
            context.close(promise: nil)
        case .stream(let lines, let ends):
            writeHead(context, status: 200, length: nil)
            for line in lines { write(context, line + [10]) }
            context.flush()
            if ends { context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }
        }
    }

    private func writeHead(_ context: ChannelHandlerContext, status: Int, length: Int?) {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        if let length { headers.add(name: "Content-Length", value: String(length)) }
        let head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func write(_ context: ChannelHandlerContext, _ bytes: [UInt8]) {
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
    }
}
