import CertificateAuthority
import FoundationEssentials
import Telemetry
import X509

/// What `tocsin tls` made.
struct TLSReport: Report {
    struct Item: Sendable {
        /// Name of the files without extension.
        var name: String
        var certificate: Certificate
    }

    var store: CertificateDirectory
    var items: [Item]

    var value: OutputValue {
        .array(
            items.map { item in
                [
                    "name": .string(item.name), "certificateFile": .string(store.certificatePath(item.name)),
                    "keyFile": .string(store.keyPath(item.name)), "subject": .string(item.certificate.subject.description),
                    "names": .array(Self.names(item.certificate).map { .string($0) }),
                    "notValidAfter": .time(Self.end(item.certificate)),
                ]
            })
    }

    func table(_ context: RenderContext) -> String {
        var table = Table([
            .init(title: "CERTIFICATE"), .init(title: "KEY"), .init(title: "UNTIL"), .init(title: "NAMES", isFlexible: true),
        ])
        for item in items {
            let until = TimeText.local(Self.end(item.certificate), now: context.now, zone: context.zone)
            table.add([
                .init(store.certificatePath(item.name)), .init(store.keyPath(item.name)), .init(until),
                .init(Self.names(item.certificate).joined(separator: " ")),
            ])
        }
        return table.render(context)
    }

    private static func end(_ certificate: Certificate) -> Timestamp {
        Timestamp(seconds: certificate.notValidAfter.timeIntervalSince1970)
    }

    private static func names(_ certificate: Certificate) -> [String] {
        let names = (try? certificate.extensions.subjectAlternativeNames) ?? SubjectAlternativeNames()
        return names.map { name in
            switch name {
            case .dnsName(let host): host
            case .uniformResourceIdentifier(let uri): uri
            case .ipAddress(let bytes): AddressText.text(Array(bytes.bytes))
            default: "\(name)"
            }
        }
    }
}
