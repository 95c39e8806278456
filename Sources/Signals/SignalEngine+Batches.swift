package import Telemetry

extension SignalEngine {
    /// Takes samples of one agent, in the order in which it sent them: the same as by name.
    ///
    /// A series is looked up by name when its number first has a sample, and again when it was forgotten since.
    ///
    /// - Parameter agent: the agent's node.
    /// - Parameter clockOffset: the agent's clock less ours; taken off every timestamp.
    package mutating func ingest(
        _ batch: SampleBatch, cluster: String, agent: String, clockOffset: Duration = .zero
    ) {
        let clusterIndex = internCluster(cluster)
        let agentIndex = internAgent(agent, cluster: clusterIndex)
        var numbered = NumberedSeries<NumberedPlace>()
        if agentIndex >= 0 {
            swap(&numbered, &agents[agentIndex].numbered)
            agents[agentIndex].numberedAt = nowMillis
        }
        numbered.follow(batch) { _, _ in .unknown }
        take(
            batch, &numbered.meanings, cluster: clusterIndex, agent: agentIndex, offset: clockOffset.wholeMilliseconds)
        if agentIndex >= 0 { swap(&numbered, &agents[agentIndex].numbered) }
        tellBetweenRounds()
    }

    private mutating func take(
        _ batch: SampleBatch, _ places: inout [NumberedPlace], cluster: Int, agent: Int, offset: Int64
    ) {
        let (numbers, times, bits) = (batch.numbers, batch.times, batch.bits)
        counts.samples += numbers.count
        var unread = 0
        // Most samples of a batch have the time of the one before.
        var time: Int64?
        var (at, cell): (Int64, Int64) = (0, 0)
        for position in numbers.indices {
            let number = Int(numbers[position])
            if places[number].isUnread {
                unread += 1
                continue
            }
            let known = places[number].slot(in: series)
            guard let slot = known ?? look(up: batch.series, number, &places[number], cluster, agent) else { continue }
            let sampleTime = times[position] &- offset
            if sampleTime != time {
                guard let admitted = admitted(sampleTime, ageMaxMillis: limits.past) else { continue }
                // A time that is not admitted as it is is counted for each of its samples.
                time = admitted == sampleTime ? sampleTime : nil
                at = admitted
                cell = Grid.cell(of: at, stepMillis: stepMillis)
            }
            accept(slot, at: at, cell: cell, value: Double(bitPattern: bits[position]))
        }
        counts.ignored += unread
    }

    private mutating func look(
        up list: SeriesList, _ number: Int, _ place: inout NumberedPlace, _ cluster: Int, _ agent: Int
    ) -> Int? {
        if let refusal = place.refusal(changes: changes) {
            // Asked again it would be refused again: a fleet beyond a limit costs no look-up a sample.
            count(refusal)
            return nil
        }
        let found = self.place(of: list, number, cluster: cluster, agent: agent)
        place = NumberedPlace(found, in: series, changes: changes)
        guard case .read(let slot) = found else { return nil }
        return slot
    }
}
