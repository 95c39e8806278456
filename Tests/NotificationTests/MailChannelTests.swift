import CurlHTTP
import Foundation
import Incidents
import Notification
import Runbook
import Telemetry
import Testing
import TocsinTestKit

/// Mail through Debian's aiosmtpd.
@Suite struct MailChannelTests {
    private let recipients = ["ada@shop.test", "grace@shop.test"]

    private func deliver(
        to port: Int, _ send: OutboxMachine.Send, protection: Mail.Protection = .none, roots: String? = nil,
        user: String? = nil, password: String? = nil
    ) async -> OutboxMachine.Outcome {
        let client = CurlHTTPClient()
        var configuration = MailChannel.Configuration(
            host: "127.0.0.1", port: port, protection: protection, from: "tocsin@shop.test")
        configuration.user = user
        configuration.trustRootsFile = roots
        configuration.timeout = .seconds(20)
        let outcome = await MailChannel(configuration, password: password.map(Sample.secret), client: client)
            .deliver(send)
        await client.shutdown()
        return outcome
    }

    @Test func aMailArrivesAsItWasWritten() async throws {
        let server = try await MailServer()
        let text = "🚨 P1 Größe über alles\n.\n..two dots\n" + String(repeating: "long ", count: 400)
        let outcome = await deliver(
            to: server.port, Sample.send([Sample.notice(text: text)], recipients: recipients))
        #expect(outcome == .delivered)
        let mail = try #require(try await server.mails(atLeast: 1).first)
        #expect(mail.from == "tocsin@shop.test")
        #expect(mail.to == recipients)
        #expect(mail.subject == "[P1] INC-7 High error rate")
        #expect(mail.body.trimmingCharacters(in: .newlines) == text)
        #expect(mail.messageID == "<INC-7.1.1.0@shop.test>")
        try await server.stop()
    }

    @Test func aSubjectOfAnyLetterSurvives() async throws {
        let server = try await MailServer()
        var notice = Sample.notice()
        notice.title = "Störung 🚨 " + String(repeating: "ü", count: 60)
        _ = await deliver(to: server.port, Sample.send([notice], recipients: recipients))
        #expect(try await server.mails(atLeast: 1).first?.subject == "[P1] INC-7 \(notice.title)")
        try await server.stop()
    }

    @Test func aServerThatSaysLaterIsTriedAgainWithTheSameMessageID() async throws {
        var options = MailServer.Options()
        options.refusals = ["451 greylisted, try again"]
        let server = try await MailServer(options)
        let send = Sample.send([Sample.notice()], recipients: recipients)
        #expect(await deliver(to: server.port, send) == .failed(reason: "SMTP 451", after: nil))
        #expect(await deliver(to: server.port, send) == .delivered)
        #expect(try await server.mails(atLeast: 1).map(\.messageID) == ["<INC-7.1.1.0@shop.test>"])
        try await server.stop()
    }

    @Test func aServerThatSaysNoIsADeadLetter() async throws {
        var options = MailServer.Options()
        options.unknownRecipients = ["ada@shop.test"]
        let server = try await MailServer(options)
        let send = Sample.send([Sample.notice()], recipients: ["ada@shop.test"])
        #expect(await deliver(to: server.port, send) == .rejected(reason: "SMTP 550"))
        let nobody = Sample.send([Sample.notice()])
        #expect(
            await deliver(to: server.port, nobody) == .rejected(reason: "none of the roles has a mail address"))
        try await server.stop()
    }

    @Test func noServerIsTriedAgainLater() async throws {
        let send = Sample.send([Sample.notice()], recipients: recipients)
        guard case .failed = await deliver(to: try FreePort.next(), send) else {
            Issue.record("a mail without a server was not kept")
            return
        }
    }

    @Test func loginGoesOverStartTLSAndNeverWithoutIt() async throws {
        let folder = try TemporaryDirectory("tocsin-mail")
        let (certificate, key) = ("\(folder.path)/cert.pem", "\(folder.path)/key.pem")
        try await ChildProcess.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-keyout", key, "-out", certificate, "-subj", "/CN=mail.test", "-addext",
                "subjectAltName=IP:127.0.0.1",
            ])
        var options = MailServer.Options()
        options.certificate = (certificate, key)
        options.login = ("tocsin", "s3cret")
        let server = try await MailServer(options)
        let send = Sample.send([Sample.notice()], recipients: recipients)
        #expect(
            await deliver(
                to: server.port, send, protection: .startTLS, roots: certificate, user: "tocsin", password: "s3cret")
                == .delivered)
        let mail = try #require(try await server.mails(atLeast: 1).first)
        #expect(mail.user == "tocsin")
        #expect(mail.tls)
        let wrong = await deliver(
            to: server.port, send, protection: .startTLS, roots: certificate, user: "tocsin", password: "wrong")
        #expect(wrong == .failed(reason: "SMTP 535: the login was refused", after: nil))
        // Not trusted: the system's roots do not know it.
        guard case .failed = await deliver(to: server.port, send, protection: .startTLS) else {
            Issue.record("a server with an unknown certificate got the mail")
            return
        }
        let plain = await deliver(
            to: server.port, send, protection: .none, user: "tocsin", password: "s3cret")
        guard case .failed(let reason, _) = plain else {
            Issue.record("\(plain)")
            return
        }
        #expect(reason.contains("Credentials are not sent"))
        #expect(server.mails.count == 1)
        try await server.stop()
    }

    @Test func aServerThatOffersNoTLSGetsNothingWhenTLSIsWanted() async throws {
        let server = try await MailServer()
        let outcome = await deliver(
            to: server.port, Sample.send([Sample.notice()], recipients: recipients), protection: .startTLS)
        #expect(outcome != .delivered)
        #expect(server.mails.isEmpty)
        try await server.stop()
    }
}
