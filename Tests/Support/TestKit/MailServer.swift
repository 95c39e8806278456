import Foundation

/// Debian's aiosmtpd as a real mail server on a loopback port: keeps what it takes, refuses on demand.
package final class MailServer: Sendable {
    /// A mail as the server took it.
    package struct Mail: Decodable, Sendable, Hashable {
        /// Sender of the envelope.
        package var from: String
        /// Recipients of the envelope.
        package var to: [String]
        /// Header and body, decoded to text.
        package var subject: String
        /// The `Message-ID`.
        package var messageID: String
        /// Body, transfer encoding removed.
        package var body: String
        /// The user that logged in; empty without a login.
        package var user: String
        /// Whether the connection was encrypted.
        package var tls: Bool
    }

    /// How the server behaves.
    package struct Options: Sendable {
        /// User and password that it wants; nil takes everybody.
        package var login: (user: String, password: String)?
        /// Certificate and key for `STARTTLS`; nil offers none.
        package var certificate: (file: String, key: String)?
        /// Answers to the first mails instead of taking them, such as "451 later".
        package var refusals: [String] = []
        /// Recipients that it answers with 550.
        package var unknownRecipients: [String] = []

        /// Makes a server that takes everything.
        package init() {}
    }

    /// The port on 127.0.0.1.
    package let port: Int
    private let process: ChildProcess

    /// Starts the server and waits until it listens.
    package init(_ options: Options = Options()) async throws {
        port = try FreePort.next()
        var settings: [String: Any] = [
            "port": port, "refusals": options.refusals, "unknown": options.unknownRecipients,
        ]
        if let login = options.login { settings["login"] = [login.user, login.password] }
        if let certificate = options.certificate { settings["certificate"] = [certificate.file, certificate.key] }
        let json = String(decoding: try JSONSerialization.data(withJSONObject: settings), as: UTF8.self)
        // Debian's own Python: another one in the path does not see Debian's modules.
        process = try ChildProcess("/usr/bin/python3", ["-u", "-c", Self.program, json])
        try await process.waitForLine(containing: "listening")
    }

    /// The mails taken so far.
    package var mails: [Mail] {
        process.lines.compactMap { line in
            guard line.hasPrefix("mail ") else { return nil }
            return try? JSONDecoder().decode(Mail.self, from: Data(line.dropFirst(5).utf8))
        }
    }

    /// Waits until so many mails were taken: the server writes of one before it answers, and we may read of it after.
    package func mails(atLeast count: Int, timeout: Duration = .seconds(20)) async throws -> [Mail] {
        let deadline = ContinuousClock.now + timeout
        while mails.count < count, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }
        return mails
    }

    /// Ends the server.
    package func stop() async throws { try await process.terminate() }

    private static let program = """
        import asyncio, email, email.policy, json, ssl, sys
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult, SMTP

        options = json.loads(sys.argv[1])

        class Handler:
            async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
                if address in options["unknown"]:
                    return "550 no such user"
                envelope.rcpt_tos.append(address)
                return "250 ok"

            async def handle_DATA(self, server, session, envelope):
                if options["refusals"]:
                    return options["refusals"].pop(0)
                mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
                user = session.auth_data.login.decode() if session.authenticated else ""
                print("mail " + json.dumps({
                    "from": envelope.mail_from, "to": envelope.rcpt_tos, "subject": mail["subject"],
                    "messageID": mail["message-id"], "body": mail.get_content(), "user": user,
                    "tls": session.ssl is not None}))
                return "250 taken"

        def authenticate(server, session, envelope, mechanism, data):
            expected = options["login"]
            good = [data.login.decode(), data.password.decode()] == expected
            return AuthResult(success=good, handled=good, auth_data=data)

        keywords = {}
        if "certificate" in options:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*options["certificate"])
            keywords.update(tls_context=context, require_starttls=True)
        if "login" in options:
            keywords.update(authenticator=authenticate, auth_required=True)

        async def main():
            loop = asyncio.get_running_loop()
            server = await loop.create_server(
                lambda: SMTP(Handler(), hostname="mail.test", **keywords), "127.0.0.1", options["port"])
            print("listening")
            await server.serve_forever()

        asyncio.run(main())
        """
}
