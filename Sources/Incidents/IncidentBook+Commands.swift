package import Telemetry

extension IncidentBook {
    /// What a person's command leads to at `now`.
    ///
    /// Commands are applied in the order in which they come. One that was meant for a certain version of the incident
    /// is refused when the incident has moved on.
    ///
    /// Throws why it is refused: unknown or archived incident, illegal move, somebody else's acknowledgement, bad text,
    /// another version.
    ///
    /// - Parameter version: the `Incident.version` that the person saw; nil takes any.
    package func decide(
        _ command: IncidentCommand, expecting version: UInt64? = nil, now: Timestamp
    ) throws(IncidentError) -> [IncidentEvent.Draft] {
        try command.validate()
        let incident = try find(command.incident)
        if let version, version != incident.version { throw changedError(incident, since: version) }
        switch command {
        case .acknowledge(_, let author): return try acknowledge(incident, by: author, now: now)
        case .note(_, let author, let text): return try note(incident, by: author, text: text, now: now)
        case .setState(_, let state, let author): return try move(incident, to: state, by: author, now: now)
        case .resolve(_, let author, let cause):
            guard incident.isOpen else { throw resolvedError(incident) }
            var script = Script(incident, now: now)
            script.add(.resolved(by: .person(name: author), cause: cause))
            return script.drafts
        case .sendMessage(_, let author, let kind, let text, let nextUpdateAt):
            guard kind != .report || !incident.isOpen else {
                throw IncidentError(
                    .notOver, "\(incident.id) is not resolved: its report can be read, and sent when it is over")
            }
            // The log's position makes the key unique, and the same at every resend.
            let key = "\(incident.id)/\(incident.episode)/message/\(lastSequence + 1)"
            let message = SentMessage(key: key, kind: kind, author: author, text: text, nextUpdateAt: nextUpdateAt)
            return [.init(incident: incident.id, at: now, kind: .messageSent(message: message))]
        }
    }

    private func find(_ id: IncidentID) throws(IncidentError) -> Incident {
        if let incident = incidents[id] { return incident }
        if (1...max(1, lastNumber)).contains(id.rawValue), lastNumber > 0 {
            throw IncidentError(.archived, "\(id) was resolved long ago: it can be read, not changed")
        }
        throw IncidentError(.notFound, "there is no incident \(id)")
    }

    private func acknowledge(
        _ incident: Incident, by author: String, now: Timestamp
    ) throws(IncidentError) -> [IncidentEvent.Draft] {
        guard incident.isOpen else { throw resolvedError(incident) }
        // Who holds it may say so again: that starts anew the wait before it pages again.
        if let holder = incident.acknowledgedBy, let level = incident.acknowledgedSeverity, level >= incident.severity,
            holder != author
        {
            throw IncidentError(.alreadyAcknowledged, "\(incident.id) is acknowledged by \(holder) at \(level)")
        }
        var script = Script(incident, now: now)
        script.add(.acknowledged(by: author, severity: incident.severity))
        if incident.state == .detected {
            script.add(.stateChanged(from: .detected, to: .investigating, by: author))
        }
        return script.drafts
    }

    private func note(
        _ incident: Incident, by author: String, text: String, now: Timestamp
    ) throws(IncidentError) -> [IncidentEvent.Draft] {
        guard incident.notes < configuration.notesMax else {
            throw IncidentError(.tooManyNotes, "\(incident.id) has \(incident.notes) notes, the most it may have")
        }
        var script = Script(incident, now: now)
        script.add(.noted(by: author, text: text))
        return script.drafts
    }

    private func move(
        _ incident: Incident, to state: IncidentState, by author: String, now: Timestamp
    ) throws(IncidentError) -> [IncidentEvent.Draft] {
        guard incident.isOpen else { throw resolvedError(incident) }
        guard state != .resolved else {
            throw IncidentError(.illegalTransition, "\(incident.id) is ended by a resolve, which wants a cause")
        }
        guard incident.state.successors.contains(state) else {
            let legal = incident.state.successors.map(\.rawValue).joined(separator: ", ")
            throw IncidentError(
                .illegalTransition,
                "\(incident.id) cannot go from \(incident.state.rawValue) to \(state.rawValue); it can go to \(legal)")
        }
        var script = Script(incident, now: now)
        // Who moves it has taken it.
        if incident.acknowledgedAt == nil { script.add(.acknowledged(by: author, severity: incident.severity)) }
        script.add(.stateChanged(from: incident.state, to: state, by: author))
        return script.drafts
    }

    /// What the person did not know, in one sentence.
    private func changedError(_ incident: Incident, since version: UInt64) -> IncidentError {
        let news = incident.timeline.first { $0.sequence == incident.version }
        let what = news.map { ": \($0.author): \($0.text)" } ?? ""
        return IncidentError(
            .changed, "\(incident.id) has changed since version \(version), it is at \(incident.version) now\(what)")
    }

    private func resolvedError(_ incident: Incident) -> IncidentError {
        IncidentError(.alreadyResolved, "\(incident.id) is resolved")
    }
}
