import QueryWire

/// `tocsin config show`.
struct EffectiveChecksReport: Report {
    var subject: String
    var checks: [EffectiveCheckView]

    var value: OutputValue {
        [
            "subject": .string(subject),
            "checks": .array(
                checks.map { check in
                    let values = check.values.map { value -> OutputValue in
                        [
                            "key": .string(value.key), "value": .string(value.value), "origin": .text(value.origin),
                        ]
                    }
                    return [
                        "name": .string(check.name), "enabled": .bool(check.isEnabled),
                        "override": .text(check.override), "values": .array(values),
                    ]
                }),
        ]
    }

    func table(_ context: RenderContext) -> String {
        guard !checks.isEmpty else { return "No checks.\n" }
        return checks.map { check in
            let off = check.isEnabled ? "" : context.styled(" off", .yellow)
            let override = check.override.map { " (override \(Printable.line($0)))" } ?? ""
            var table = Table([.init(title: "KEY"), .init(title: "VALUE"), .init(title: "FROM", isFlexible: true)])
            for value in check.values where value.key != "enabled" {
                table.add([.init(value.key), .init(value.value), .init(value.origin ?? "default")])
            }
            return context.styled(Printable.line(check.name), .bold) + off + override + "\n"
                + table.render(context, indent: 2)
        }.joined(separator: "\n")
    }
}
