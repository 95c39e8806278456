import CertificateAuthority
import Telemetry

/// What `tocsin tls` made.
struct TLSReport: Report {
    struct Item: Sendable {
        /// Name of the files without extension.
        var name: String
        var files: CertificateFiles

        var notValidAfter: Timestamp { Timestamp(seconds: files.notValidAfterSeconds) }
    }

    var store: CertificateDirectory
    var items: [Item]

    var value: OutputValue {
        .array(
            items.map { item in
                [
                    "name": .string(item.name), "certificateFile": .string(store.certificatePath(item.name)),
                    "keyFile": .string(store.keyPath(item.name)), "subject": .string(item.files.subject),
                    "names": .array(item.files.names.map { .string($0) }), "notValidAfter": .time(item.notValidAfter),
                ]
            })
    }

    func table(_ context: RenderContext) -> String {
        guard !items.isEmpty else { return "Nothing is due.\n" }
        var table = Table([
            .init(title: "CERTIFICATE"), .init(title: "KEY"), .init(title: "UNTIL"),
            .init(title: "NAMES", isFlexible: true),
        ])
        for item in items {
            table.add([
                .init(store.certificatePath(item.name)), .init(store.keyPath(item.name)),
                .init(TimeText.local(item.notValidAfter, now: context.now, zone: context.zone)),
                .init(item.files.names.joined(separator: " ")),
            ])
        }
        return table.render(context)
    }
}
