/// The reference of configuration files, made from what their decoders declare.
package enum SettingsReference {
    /// Markdown tables of all keys, one chapter a kind of file.
    package static func markdown(_ kinds: [KindDescription], appendix: String = "") -> String {
        var text = introduction
        for kind in kinds {
            text += "\n## \(kind.fileName)\n\n\(kind.doc)\n\nFirst line: `kind: \(kind.kind)`.\n"
            text += table(kind.fields, prefix: "")
        }
        if !appendix.isEmpty { text += "\n\(appendix)" }
        return text
    }

    private static let introduction = """
        # Configuration

        This page is made from the decoders themselves; a test compares the two.

        Files are YAML and are read strictly: an unknown, doubled or missing key, a value of the wrong type, without its
        unit or out of range refuses the file. All errors are reported at once, each as
        `FILE:LINE:COLUMN: KEY.PATH: value 'x': reason; did you mean 'y'?`. `tocsin config check FILE…` does the same
        without starting anything.

        | type | written as |
        |---|---|
        | duration | whole numbers with units, greatest first: `500ms`, `10s`, `1h30m`, `15d`; only `0` needs no unit |
        | size | a whole number with a unit: `64KiB`, `256MiB`, `2GiB`, or decimal `10MB` |
        | ratio | `5%` or `0.05`; a plain `5` is refused, since it would mean 500 % |
        | path | absolute, or relative to the folder of the file that names it |
        | host:port | `coordinator.example:7443`, `[::1]:7481` |
        | glob | `*` stands for any run of characters, slashes too; `?` for exactly one |

        Text, names, paths, hosts, addresses and URLs may be taken from the environment of the process:
        `node: {env: NODE_NAME}`.

        Secrets never stand in these files. A key that ends in `File` names a file with the secret; the same key without
        `File` takes `{env: NAME}` and nothing else.

        **required** inside a section that may be absent means: where the section is there.

        A file is at most 1 MiB. Anchors and aliases work, up to 100,000 values in all; merge keys (`<<`) do not.

        """

    private static func table(_ fields: [FieldDescription], prefix: String) -> String {
        var text = "\n| key | type | default | meaning |\n|---|---|---|---|\n"
        text += rows(fields, prefix: prefix)
        return text
    }

    private static func rows(_ fields: [FieldDescription], prefix: String) -> String {
        fields.map { field in
            let path = "\(prefix)\(field.key)"
            var line = row(path, field)
            switch field.shape {
            case .value, .values, .environment: break
            case .section(let children): line += rows(children, prefix: "\(path).")
            case .sections(let children, _): line += rows(children, prefix: "\(path)[].")
            case .named(let children, _, _): line += rows(children, prefix: "\(path).NAME.")
            }
            return line
        }.joined()
    }

    private static func row(_ path: String, _ field: FieldDescription) -> String {
        var type = field.typeName
        if let range = field.range { type += ", \(range)" }
        switch field.shape {
        case .sections(_, let countMax), .values(_, let countMax): type += ", at most \(countMax)"
        case .named(_, let nameDoc, let countMax): type += ", at most \(countMax); NAME is \(nameDoc)"
        case .value, .environment, .section: break
        }
        let fallback = field.defaultText.map { "`\($0)`" } ?? (field.isRequired ? "**required**" : "–")
        return "| `\(path)` | \(escaped(type)) | \(fallback) | \(escaped(field.doc)) |\n"
    }

    private static func escaped(_ text: String) -> String {
        text.map { $0 == "|" ? "\\|" : String($0) }.joined()
    }
}
