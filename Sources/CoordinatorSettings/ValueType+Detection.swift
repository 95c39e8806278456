import ConfigurationKit
import Incidents
import Signals

extension ValueType where Value == SignalName {
    /// A signal that there is.
    static let signal = ValueType(
        name: "signal", range: nil,
        schema: .record(["enum": .array(SignalDescription.all.map { .string($0.name.rawValue) })]),
        placeholder: SignalName(rawValue: ""),
        parse: { text, _ throws(ValueProblem) in
            let names = SignalDescription.all.map(\.name.rawValue)
            guard names.contains(text) else {
                throw ValueProblem("there is no such signal", suggestion: NearestName.of(text, among: names))
            }
            return SignalName(rawValue: text)
        },
        format: \.rawValue)
}

extension ValueType where Value == Severity {
    /// P1 to P4.
    static let severity = ValueType(
        name: "severity", range: "P1 to P4, P1 the worst",
        schema: .record(["enum": .array(["P1", "P2", "P3", "P4"].map(JSONValue.string))]), placeholder: .p4,
        parse: { text, _ throws(ValueProblem) in
            guard let severity = Severity(text) else {
                let meant = Severity(text.uppercased()) ?? Severity("P" + text)
                throw ValueProblem("must be P1, P2, P3 or P4", suggestion: meant?.description)
            }
            return severity
        },
        format: \.description)
}
