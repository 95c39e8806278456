import ConfigurationKit
import CoordinatorSettings
import CurlHTTP
import Notification
import Probing
import Runbook
import Telemetry

/// Builds channels and heartbeat from the settings; secrets are read when they are used.
struct NotificationParts {
    let settings: NotificationSettings
    let environment: [String: String]
    let client: CurlHTTPClient

    /// The channels by name, the standard output among them.
    var channels: [String: any NoticeChannel] {
        var channels: [String: any NoticeChannel] = [
            NotificationSettings.standardOutput: FileChannel(path: nil)
        ]
        for channel in settings.channels { channels[channel.name] = make(channel.kind) }
        return channels
    }

    /// Their limits by name.
    var limits: [String: OutboxMachine.Limits] {
        var limits = [NotificationSettings.standardOutput: OutboxMachine.Limits.unlimited]
        for channel in settings.channels {
            var own = OutboxMachine.Limits()
            (own.perMinute, own.digestFrom) = (channel.perMinute, channel.digestFrom)
            limits[channel.name] = own
        }
        return limits
    }

    /// The heartbeat; nil when none is configured.
    func heartbeat(start: Heartbeat.Progress) -> (Heartbeat, Duration)? {
        settings.heartbeat.map {
            (Heartbeat(url: secret($0.url), http: client, trust: trust($0.trustRootsFile), start: start), $0.interval)
        }
    }

    private func make(_ kind: NotificationSettings.Kind) -> any NoticeChannel {
        switch kind {
        case .file(let path): FileChannel(path: path)
        case .webhook(let url, let token, let roots):
            WebhookChannel(url: secret(url), token: token.map(secret), http: client, trust: trust(roots))
        case .slack(let url, let roots): SlackChannel(url: secret(url), http: client, trust: trust(roots))
        case .pagerduty(let key, let endpoint, let roots):
            PagerDutyChannel(url: endpoint, routingKey: secret(key), http: client, trust: trust(roots))
        case .smtp(let server): MailChannel(mail(server), password: server.password.map(secret), client: client)
        }
    }

    private func mail(_ server: NotificationSettings.MailServer) -> MailChannel.Configuration {
        let protection: Mail.Protection =
            switch server.protection {
            case .none: .none
            case .implicit: .implicit
            case .startTLS: .startTLS
            }
        var mail = MailChannel.Configuration(
            host: server.server.host, port: server.server.port, protection: protection, from: server.from)
        mail.user = server.user
        mail.trustRootsFile = server.trustRootsFile
        return mail
    }

    private func trust(_ rootsFile: String?) -> HTTPRequest.Trust {
        rootsFile.map { .roots(file: $0, serverName: nil) } ?? .system
    }

    private func secret(_ reference: SecretReference) -> Secret {
        { [environment] () throws(SecretProblem) -> String in
            do throws(SecretError) {
                return try reference.read(environment: environment)
            } catch {
                throw SecretProblem(error.message)
            }
        }
    }
}

extension OutboxMachine.Limits {
    /// What a file takes.
    static var unlimited: OutboxMachine.Limits {
        var limits = OutboxMachine.Limits()
        (limits.perMinute, limits.digestFrom) = (1000, 0)
        return limits
    }
}
