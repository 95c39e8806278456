import SwiftProtobuf
import Telemetry
package import TocsinProto

extension SubjectView {
    /// Reads the message.
    package init(_ proto: Tocsin_V1_Subject) {
        self.init(cluster: proto.cluster, kind: proto.kind, path: proto.path)
        signals = proto.signals.map(SignalView.init)
        incidents = proto.incidents
        severity = proto.severity.isEmpty ? nil : proto.severity
    }

    /// The message.
    package var proto: Tocsin_V1_Subject {
        .with {
            $0.cluster = cluster
            $0.kind = kind
            $0.path = path
            $0.signals = signals.map(\.proto)
            $0.incidents = incidents
            $0.severity = severity ?? ""
        }
    }
}

extension SignalView {
    /// Reads the message.
    package init(_ proto: Tocsin_V1_Signal) {
        self.init(
            name: proto.name, unit: proto.unit, at: Timestamp(millis: proto.atMillis),
            step: .milliseconds(Int64(clamping: proto.stepMillis)))
        value = proto.hasValue ? proto.value : nil
        lower = proto.hasLower ? proto.lower : nil
        upper = proto.hasUpper ? proto.upper : nil
        volume = proto.volume
        present = Int(proto.present)
        expected = Int(proto.expected)
        recent = proto.recent
        contributors = proto.contributors.map { Contributor(name: $0.name, value: $0.value, volume: $0.volume) }
    }

    /// The message; counts out of its range are clamped.
    package var proto: Tocsin_V1_Signal {
        .with {
            $0.name = name
            $0.unit = unit
            $0.atMillis = at.millis
            $0.stepMillis = UInt64(clamping: step.wholeMilliseconds)
            if let value { $0.value = value }
            if let lower { $0.lower = lower }
            if let upper { $0.upper = upper }
            $0.volume = volume
            $0.present = UInt32(clamping: present)
            $0.expected = UInt32(clamping: expected)
            $0.recent = recent
            $0.contributors = contributors.map { contributor in
                .with {
                    $0.name = contributor.name
                    $0.value = contributor.value
                    $0.volume = contributor.volume
                }
            }
        }
    }
}

extension EffectiveCheckView {
    /// Reads the message.
    package init(_ proto: Tocsin_V1_EffectiveCheck) {
        self.init(
            name: proto.name, isEnabled: proto.enabled, override: proto.override.isEmpty ? nil : proto.override,
            values: proto.values.map {
                Value(key: $0.key, value: $0.value, origin: $0.origin.isEmpty ? nil : $0.origin)
            })
    }

    /// The message.
    package var proto: Tocsin_V1_EffectiveCheck {
        .with {
            $0.name = name
            $0.enabled = isEnabled
            $0.override = override ?? ""
            $0.values = values.map { value in
                .with {
                    $0.key = value.key
                    $0.value = value.value
                    $0.origin = value.origin ?? ""
                }
            }
        }
    }
}
