import ConfigurationKit
import CoordinatorSettings
import Detection
import Incidents
import QueryWire
import Signals
import SwiftProtobuf
import Telemetry
import TocsinProto

/// What people ask about subjects, answered from the core's state.
struct SubjectQuery: Sendable {
    /// Subjects in one answer: what is beyond is counted, not sent.
    static let subjectsMax = 10_000
    /// Values of each signal in a list, for its sparkline.
    static let listValuesMax = 24
    /// Contributors of each signal of one subject.
    static let contributorsMax = 16

    let history: SignalHistory
    let book: IncidentBook

    init(_ core: DetectionCore) {
        history = core.history
        book = core.book
    }

    /// All subjects, by cluster and path, with the number of those left out.
    var list: Tocsin_V1_ListSubjectsResponse {
        let open = Dictionary(grouping: book.openIncidents, by: \.subject)
        let subjects = Set(history.subjects).union(open.keys).sorted()
        return .with {
            $0.subjects = subjects.prefix(Self.subjectsMax).map { subject in
                view(subject, incidents: open[subject] ?? [], isList: true).proto
            }
            $0.omitted = UInt32(clamping: max(0, subjects.count - Self.subjectsMax))
        }
    }

    /// One subject by its path, or by the last part of it where that is enough.
    func subject(named name: String, cluster: String) throws(QueryError) -> SubjectView {
        let open = book.openIncidents
        let known = Set(history.subjects).union(open.map(\.subject)).filter {
            cluster.isEmpty || $0.cluster == cluster
        }
        let exact = known.filter { $0.path == name }
        let found = exact.isEmpty ? known.filter { $0.path.hasSuffix("/\(name)") } : exact
        guard let subject = found.first else {
            throw QueryError(.notFound, "nothing is measured of '\(name)'")
        }
        guard found.count == 1 else {
            let names = found.sorted().prefix(5).map { "\($0.path) (\($0.cluster))" }.joined(separator: ", ")
            throw QueryError(.invalidArgument, "'\(name)' may be \(names): name one, with its cluster")
        }
        return view(subject, incidents: open.filter { $0.subject == subject }, isList: false)
    }

    private func view(_ subject: Subject, incidents: [Incident], isList: Bool) -> SubjectView {
        var view = SubjectView(cluster: subject.cluster, kind: subject.kind.rawValue, path: subject.path)
        let tracks = history.tracks(of: subject)
        view.signals = SignalDescription.all.compactMap { description in
            tracks[description.name].map { Self.signal($0, description, isList: isList) }
        }
        view.incidents = incidents.map(\.id.description)
        view.severity = incidents.first?.severity.description
        return view
    }

    private static func signal(_ track: SignalHistory.Track, _ description: SignalDescription, isList: Bool)
        -> SignalView
    {
        let point = track.last
        var view = SignalView(
            name: point.signal.rawValue, unit: description.unit.rawValue, at: point.knownAt, step: point.step)
        view.value = point.value
        if case .quantile(let evidence)? = point.evidence {
            view.lower = evidence.lower
            view.upper = evidence.upper
        }
        view.volume = point.volume
        view.present = point.coverage.present
        view.expected = point.coverage.expected
        view.recent = isList ? track.recent.suffix(listValuesMax) : track.recent
        if !isList {
            view.contributors = point.contributions.prefix(contributorsMax).map {
                .init(name: $0.contributor, value: $0.value, volume: $0.volume)
            }
        }
        return view
    }
}

extension EffectiveCheckView {
    /// A check as the query service shows it.
    init(_ effective: ThresholdSettings.EffectiveCheck) {
        self.init(
            name: effective.configured.check.name, isEnabled: effective.configured.isEnabled,
            override: effective.override?.pattern,
            values: effective.configured.values.map {
                Value(key: $0.key, value: $0.text, origin: $0.origin?.fileAndLine)
            })
    }
}
