package import CurlHTTP
import Foundation
import Probing
package import Runbook
import Telemetry

/// Mail through one SMTP server.
package struct MailChannel: NoticeChannel {
    /// How the server is reached.
    package struct Configuration: Sendable {
        /// Host or address of the server.
        package var host: String
        /// Port of the server.
        package var port: Int
        /// How the connection is protected.
        package var protection: Mail.Protection
        /// PEM file of the roots that the server's certificate must come from; nil: the system's.
        package var trustRootsFile: String?
        /// The user; nil logs in as nobody.
        package var user: String?
        /// Address of the sender.
        package var from: String
        /// The whole exchange may take this long.
        package var timeout: Duration = .seconds(30)

        /// Makes a configuration without a user.
        package init(host: String, port: Int, protection: Mail.Protection, from: String) {
            self.host = host
            self.port = port
            self.protection = protection
            self.from = from
        }
    }

    private let configuration: Configuration
    private let password: Secret?
    private let client: CurlHTTPClient

    /// Makes a channel.
    package init(_ configuration: Configuration, password: Secret? = nil, client: CurlHTTPClient) {
        self.configuration = configuration
        self.password = password
        self.client = client
    }

    /// Sends one mail to all recipients of the send.
    package func deliver(_ send: OutboxMachine.Send) async -> OutboxMachine.Outcome {
        let recipients = send.entries.reduce(into: [String]()) { all, entry in
            all += entry.recipients.filter { !all.contains($0) }
        }
        guard !recipients.isEmpty else { return .rejected(reason: "none of the roles has a mail address") }
        do throws(SecretProblem) {
            var mail = Mail(
                host: configuration.host, port: configuration.port, protection: configuration.protection,
                trust: configuration.trustRootsFile.map { .roots(file: $0, serverName: nil) } ?? .system,
                from: configuration.from, recipients: recipients,
                message: MailText.message(send, from: configuration.from, to: recipients),
                totalTimeout: configuration.timeout)
            if let user = configuration.user, let password {
                mail.login = Mail.Login(user: user, password: try password())
            }
            return Self.outcome(await client.send(mail))
        } catch {
            return .failed(reason: error.message, after: nil)
        }
    }

    /// 4xx of a mail server is for now, 5xx for good (RFC 5321, 4.2.1).
    private static func outcome(_ result: HTTPResult) -> OutboxMachine.Outcome {
        switch result {
        case .failure(let failure): .failed(reason: failure.message, after: nil)
        case .response(let answer) where answer.status < 400: .delivered
        case .response(let answer) where answer.status < 500: .failed(reason: "SMTP \(answer.status)", after: nil)
        // 530 and 535: the login. A password may be rotated while the mail waits.
        case .response(let answer) where answer.status == 530 || answer.status == 535:
            .failed(reason: "SMTP \(answer.status): the login was refused", after: nil)
        case .response(let answer): .rejected(reason: "SMTP \(answer.status)")
        }
    }
}

/// A send as a mail (RFC 5322), text in UTF-8.
enum MailText {
    static func message(_ send: OutboxMachine.Send, from: String, to recipients: [String]) -> [UInt8] {
        let at = send.entries.first?.notice.at ?? Timestamp(millis: 0)
        let episodes = Set(send.entries.map(\.notice.episodeKey))
        var lines = [
            "From: Tocsin <\(from)>", "To: \(recipients.joined(separator: ",\r\n "))",
            "Subject: \(encoded(NoticeText.headline(send)))", "Date: \(date(at))",
            // The same at a resend: receivers drop the second.
            "Message-ID: <\(token(send.key))@\(domain(from))>",
        ]
        // All mails of one episode are one thread.
        if episodes.count == 1, let episode = episodes.first {
            lines.append("References: <\(token(episode))@\(domain(from))>")
        }
        lines += [
            "Auto-Submitted: auto-generated", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64", "",
            Data(NoticeText.body(send).utf8).base64EncodedString(options: [
                .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
            ]), "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    /// An encoded word (RFC 2047) for each piece of at most 45 bytes; plain ASCII stays as it is.
    static func encoded(_ text: String) -> String {
        let line = text.replacing("\r", with: " ").replacing("\n", with: " ")
        if line.utf8.allSatisfy({ $0 >= 32 && $0 < 127 }), line.utf8.count <= 200 { return line }
        var words: [String] = []
        var piece = ""
        for character in line {
            if piece.utf8.count + String(character).utf8.count > 45 {
                words.append(piece)
                piece = ""
            }
            piece.append(character)
        }
        return (words + [piece]).map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }

    /// The key with what an identifier may not hold replaced.
    private static func token(_ key: String) -> String {
        String(key.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "." })
    }

    private static func domain(_ address: String) -> String {
        address.split(separator: "@").last.map(String.init) ?? "tocsin"
    }

    private static func date(_ timestamp: Timestamp) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss '+0000'"
        return formatter.string(from: Date(timeIntervalSince1970: timestamp.seconds))
    }
}
