import AgentSettings
import ConfigurationKit
import CoordinatorSettings
import Foundation
import Testing

@Suite struct SettingsReferenceTests {
    private static let kinds = [AgentSettings.reference, CoordinatorSettings.reference, ThresholdSettings.reference]

    /// `TOCSIN_REWRITE_GOLDEN=1` writes the page.
    @Test func thePageIsWhatTheDecodersDeclare() throws {
        let page = SettingsReference.markdown(Self.kinds, appendix: SignalDescription.markdown)
        let file = GoldenFiles.root.appendingPathComponent("docs/configuration.md")
        if GoldenFiles.isRewriting { try Data(page.utf8).write(to: file) }
        #expect(try String(contentsOf: file, encoding: .utf8) == page)
    }

    @Test(arguments: kinds)
    func aSchemaIsJSONAndRefusesUnknownKeys(kind: KindDescription) throws {
        let json = SettingsSchema.json(kind)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(object["additionalProperties"] as? Bool == false)
        let properties = try #require(object["properties"] as? [String: Any])
        #expect(Set(properties.keys) == Set(kind.fields.map(\.key)).union(["kind"]))
        let required = try #require(object["required"] as? [String])
        #expect(Set(required) == Set(kind.fields.filter(\.isRequired).map(\.key)).union(["kind"]))
        #expect(json.hasSuffix("}\n"))
    }

    @Test func requiredKeysInsideSectionsAreDeclared() throws {
        let fields = AgentSettings.reference.fields
        let coordinator = try #require(fields.first { $0.key == "coordinator" })
        #expect(coordinator.isRequired)
        // A certificate can be left out for a token, and is whole when it is there.
        let tls = try #require(fields.first { $0.key == "tls" })
        #expect(!tls.isRequired)
        guard case .section(let children) = tls.shape else {
            Issue.record("tls is no section")
            return
        }
        #expect(children.map(\.key) == ["certificateFile", "keyFile", "trustRootsFile"])
        #expect(children.allSatisfy { $0.isRequired })
    }

    @Test func secretsTakeOnlyReferences() throws {
        let json = SettingsSchema.json(AgentSettings.reference)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let properties = object["properties"] as? [String: Any]
        let databases = properties?["databases"] as? [String: Any]
        let items = databases?["items"] as? [String: Any]
        let password = (items?["properties"] as? [String: Any])?["password"] as? [String: Any]
        #expect(password?["$ref"] as? String == "#/$defs/env")
    }
}
