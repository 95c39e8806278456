package import Probing

/// A mail to one server, and how to speak to it.
package struct Mail: Sendable, Hashable {
    /// How the connection is protected.
    package enum Protection: String, Sendable, Hashable, CaseIterable {
        /// Not at all: for a relay on the same machine.
        case none
        /// TLS from the first byte, usually on port 465.
        case implicit
        /// TLS after `STARTTLS`, usually on port 587; without it nothing is sent.
        case startTLS
    }

    static let schemes = ["smtp", "smtps"]

    /// Host or address of the server.
    package var host: String
    /// Port of the server.
    package var port: Int
    /// How the connection is protected.
    package var protection: Protection
    /// Whom to trust on the other side of TLS.
    package var trust: HTTPRequest.Trust
    /// User and password; nil logs in as nobody.
    package var login: Login?
    /// Address of the sender, without a name.
    package var from: String
    /// Addresses of the recipients, without names; at least one.
    package var recipients: [String]
    /// Header and body, lines ended by CRLF.
    package var message: [UInt8]
    /// The whole exchange may take this long.
    package var totalTimeout: Duration

    /// A user of the mail server.
    package struct Login: Sendable, Hashable {
        /// The user.
        package var user: String
        /// The password.
        package var password: String

        /// Makes a login.
        package init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    /// Makes a mail.
    package init(
        host: String, port: Int, protection: Protection, trust: HTTPRequest.Trust = .system, login: Login? = nil,
        from: String, recipients: [String], message: [UInt8], totalTimeout: Duration = .seconds(30)
    ) {
        self.host = host
        self.port = port
        self.protection = protection
        self.trust = trust
        self.login = login
        self.from = from
        self.recipients = recipients
        self.message = message
        self.totalTimeout = totalTimeout
    }

    /// The exchange as a transfer; the host in brackets when it is an IPv6 address.
    var request: HTTPRequest {
        let name = host.contains(":") ? "[\(host)]" : host
        return HTTPRequest(
            url: "\(protection == .implicit ? "smtps" : "smtp")://\(name):\(port)", body: message,
            connectTimeout: min(totalTimeout, .seconds(10)), totalTimeout: totalTimeout, bodyBytesMax: 64 << 10,
            trust: trust, usesFreshConnection: true)
    }
}
