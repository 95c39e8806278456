import ConfigurationKit

/// `~/.config/tocsin/config.yaml`: coordinators by name.
///
/// ```yaml
/// kind: contexts
/// current: prod
/// contexts:
///   prod:
///     endpoint: tocsin.example:7443
///     certificateFile: user-ana.crt      # relative to this file's folder
///     keyFile: user-ana.key
///     trustRootsFile: ca.crt
///     serverName: coordinator.internal   # when the certificate does not hold the endpoint's host
/// ```
struct Contexts: Hashable, Sendable {
    /// Which entry is meant when none is named.
    var current: String?
    /// The entries in the file's order.
    var entries: [Entry]

    /// One coordinator and its caller.
    struct Entry: Hashable, Sendable {
        var name: String
        var layer: ConnectionSettings.Layer
    }

    /// Checks a text, reporting everything that is wrong with it at once.
    static func decode(_ source: ConfigurationSource) throws(ConfigurationError) -> Loaded<Contexts> {
        try ConfigurationFile.decode(source, kind: "contexts", environment: [:], Contexts.init)
    }

    /// The reference of the file, for the schema.
    static var reference: KindDescription {
        ConfigurationFile.describe(
            kind: "contexts", fileName: "config.yaml", doc: "Coordinators by name, for `tocsin --context NAME`.",
            Contexts.init)
    }

    private init(_ file: Section) {
        current = file.optional("current", .name(), "The context that is used when none is named.")
        let named = file.namedSections(
            "contexts", isRequired: true, nameDoc: "Name for --context.", "Coordinators by name."
        ) {
            _, section in
            ConnectionSettings.Layer(
                endpoint: section.optional("endpoint", .endpoint, "Where the coordinator listens.")?.description,
                certificateFile: section.optionalFile("certificateFile", "PEM file with the client certificate."),
                keyFile: section.optionalFile("keyFile", "PEM file with its key."),
                tokenFile: section.optionalFile(
                    "tokenFile",
                    "In place of a certificate: file with a token for the audience `tocsin`; the port is then normally 7444."
                ),
                trustRootsFile: section.optionalFile(
                    "trustRootsFile", "PEM file with the authority that the coordinator's certificate must come from."),
                serverName: section.optional(
                    "serverName", .host, "Name in the coordinator's certificate. Default: the endpoint's host."))
        }
        entries = named.map { Entry(name: $0.name, layer: $0.value) }
        if let current, !entries.contains(where: { $0.name == current }) {
            file.report(
                "current", value: current, "there is no such context",
                suggestion: NearestName.of(current, among: entries.map(\.name)))
        }
    }

    /// The named entry; without a name the current one, or the only one; an empty layer when there is neither.
    func layer(named name: String?) throws(CommandError) -> ConnectionSettings.Layer {
        if let name = name ?? current {
            guard let entry = entries.first(where: { $0.name == name }) else {
                throw .usage("there is no context '\(name)'; known: \(entries.map(\.name).joined(separator: ", "))")
            }
            return entry.layer
        }
        return entries.count == 1 ? entries[0].layer : ConnectionSettings.Layer()
    }

    /// Where the file is; nil without a home.
    static func path(environment: [String: String]) -> String? {
        environment["HOME"].map { "\($0)/.config/tocsin/config.yaml" }
    }

    /// The named entry of the user's file.
    ///
    /// A file that is not there has no entries.
    static func layer(named name: String?, environment: [String: String]) throws(CommandError)
        -> ConnectionSettings.Layer
    {
        guard let path = path(environment: environment), InputFile.exists(path) else {
            guard let name else { return ConnectionSettings.Layer() }
            throw .usage("there is no context '\(name)': ~/.config/tocsin/config.yaml does not exist")
        }
        do {
            return try decode(try ConfigurationSource(path: path)).value.layer(named: name)
        } catch let error as ConfigurationError {
            throw .usage(error.description)
        } catch let error as CommandError {
            throw error
        } catch {
            throw .usage("\(path): \(error)")
        }
    }
}
