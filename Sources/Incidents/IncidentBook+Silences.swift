package import Telemetry

extension IncidentBook {
    /// The silences in memory, by number: those to come and in force, and the latest that are over.
    package var silenceList: [Silence] { silences.values.sorted { $0.id < $1.id } }

    /// The silence that hides the pages of an incident at a time, of several the one that ends last; nil for none.
    package func silence(of incident: Incident, at time: Timestamp) -> Silence? {
        silences.values.filter { $0.covers(incident, at: time) }
            .max { ($0.endsAt, $0.id) < ($1.endsAt, $1.id) }
    }

    /// Whether an incident pages nobody at a time: a silence covers it.
    package func isSilenced(_ incident: Incident, at time: Timestamp) -> Bool {
        silences.values.contains { $0.covers(incident, at: time) }
    }

    /// What a person's command on silences leads to.
    ///
    /// Throws why it is refused: bad text or time, too many silences, unknown or ended silence.
    package func decide(_ command: SilenceCommand, now: Timestamp) throws(IncidentError) -> [IncidentEvent.Draft] {
        try command.validate()
        switch command {
        case .add(let request):
            guard request.endsAt > now else { throw IncidentError(.invalidText, "the silence is over already") }
            guard silences.values.count(where: { $0.endsAt > now }) < configuration.silencesMax else {
                throw IncidentError(
                    .tooManySilences, "there are \(configuration.silencesMax) silences, the most allowed")
            }
            let silence = Silence(id: SilenceID(rawValue: lastSilence + 1), request, createdAt: now)
            return [.init(incident: .none, at: now, kind: .silenceAdded(silence: silence))]
        case .expire(let id, let author):
            guard let silence = silences[id] else { throw IncidentError(.notFound, "there is no silence \(id)") }
            guard silence.endsAt > now else { throw IncidentError(.illegalTransition, "\(id) is over already") }
            return [.init(incident: .none, at: now, kind: .silenceExpired(silence: id, by: author))]
        }
    }
}
