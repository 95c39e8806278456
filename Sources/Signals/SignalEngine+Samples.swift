import Telemetry

extension SignalEngine {
    /// Applies an edge to its contributor.
    mutating func apply(edge index: Int, at time: Int64, count: Double) {
        let contributor = series[index].contributor
        if series[index].role == .oomKillEdges {
            contributors[contributor].oomKills.addEdges(count, at: time)
        } else {
            contributors[contributor].restarts.addEdges(count, at: time)
        }
    }

    /// Applies a sample of the open cell, or a late one, to its series and its contributor.
    mutating func apply(_ index: Int, cell: Int64, at time: Int64, value: Double) {
        let role = series[index].role
        let contributor = series[index].contributor
        if StaleMarker.matches(value) {
            end(index, at: time)
            return
        }
        // A source that has measured nothing new has reported all the same.
        if time >= series[index].at { noteRound(of: index, cell: cell, at: time, value: value) }
        guard time > series[index].at else {
            counts.repeated += 1
            return
        }
        switch role {
        case .requestCount, .requestErrorCount, .requestSeconds, .requestBucket, .pauseSeconds, .concurrentSeconds,
            .restarts, .oomKills, .nodeOOMKills, .deadlocks, .commits, .rollbacks, .checksumFailures, .checkpointsTimed,
            .checkpointsRequested, .blocksHit, .blocksRead, .logEntries, .logErrorEntries, .logNewErrorPatterns:
            guard value.isFinite, value >= 0 else {
                counts.invalid += 1
                return
            }
            applyCounter(index, role, at: time, value: value)
        case .processStart:
            applyProcessStart(index, at: time, seconds: value)
        default:
            if role == .podReady { noteRoundOfPods(agent: series[index].agent, at: time) }
        }
        if !series[index].isLive {
            series[index].isLive = true
            contributors[contributor].liveSlots += 1
            recount(contributor)
        }
        series[index].hasValue = true
        series[index].value = value
        series[index].at = time
    }

    /// A stale marker.
    ///
    /// The time of the last sample stays, and the value stays as the base of a counter that comes back.
    private mutating func end(_ index: Int, at time: Int64) {
        guard time >= series[index].at, series[index].isLive else { return }
        let contributor = series[index].contributor
        series[index].isLive = false
        contributors[contributor].liveSlots -= 1
        if contributors[contributor].rounds.end(&series[index].round) { complete(contributor, at: time) }
        recount(contributor)
    }

    private mutating func applyCounter(_ index: Int, _ role: SeriesRole, at time: Int64, value: Double) {
        let slot = series[index]
        let contributor = slot.contributor
        if role.isProcessCounter {
            if !betweenRounds.isEmpty { tellBetweenRounds(before: time, of: contributor) }
            contributors[contributor].noteRound(at: time, stepMillis: stepMillis)
        }
        let increase: Double?
        var base = 0.0
        if !slot.hasValue {
            increase = firstIncrease(slot, at: time, value: value)
        } else if value < slot.value {
            counts.resets += 1
            increase = value
        } else {
            base = slot.value
            increase = value - base
        }
        series[index].previousValue = base
        if role == .restarts || role == .oomKills { noteRoundOfPods(agent: slot.agent, at: time) }
        guard let increase else { return }
        switch role {
        case .restarts: contributors[contributor].restarts.addToCounter(increase, at: time)
        case .oomKills, .nodeOOMKills: contributors[contributor].oomKills.addToCounter(increase, at: time)
        case .deadlocks, .commits, .rollbacks, .checksumFailures, .checkpointsTimed, .checkpointsRequested, .blocksHit,
            .blocksRead:
            contributors[contributor].addToDatabase(increase, role: role)
        case .logEntries, .logErrorEntries, .logNewErrorPatterns:
            contributors[contributor].addToLog(increase, role: role)
        case .requestBucket: contributors[contributor].changeBuckets { $0.add(increase, at: slot.bucket) }
        default:
            contributors[contributor].add(increase: increase, role: role)
            if role == .requestErrorCount, increase > 0 { noteBetweenRounds(contributor, at: time) }
        }
    }

    /// What the first value of a counter says: all of it, when the counter was not there at an earlier look; nothing,
    /// when there was no earlier look.
    private func firstIncrease(_ slot: SeriesSlot, at time: Int64, value: Double) -> Double? {
        switch slot.role {
        case .restarts, .nodeOOMKills, .deadlocks, .commits, .rollbacks, .checksumFailures, .checkpointsTimed,
            .checkpointsRequested, .blocksHit, .blocksRead, .logEntries, .logErrorEntries, .logNewErrorPatterns:
            return nil
        case .oomKills:
            guard slot.agent >= 0, agents[slot.agent].podRoundsFrom != .max else { return nil }
            return time - agents[slot.agent].podRoundsFrom > stepMillis / 2 ? value : nil
        default: return contributors[slot.contributor].previousRoundAt == nil ? nil : value
        }
    }

    private mutating func noteRoundOfPods(agent: Int, at time: Int64) {
        guard agent >= 0 else { return }
        let lapse = configuration.forgetAfter.wholeMilliseconds / 2
        if agents[agent].podRoundsFrom == .max || time - agents[agent].podRoundAt > lapse {
            agents[agent].podRoundsFrom = time
        }
        agents[agent].podRoundAt = max(agents[agent].podRoundAt, time)
    }

    /// A new start time makes every counter of the process start from 0, also those that are already above their old
    /// values, whichever of a look's samples comes first.
    private mutating func applyProcessStart(_ index: Int, at time: Int64, seconds: Double) {
        let contributor = series[index].contributor
        contributors[contributor].noteRound(at: time, stepMillis: stepMillis)
        guard series[index].hasValue, abs(series[index].value - seconds) > 1 else { return }
        counts.processRestarts += 1
        let roundAt = contributors[contributor].roundAt ?? time
        for slot in contributors[contributor].slots where series[slot].hasValue && series[slot].role.isProcessCounter {
            if series[slot].at >= roundAt {
                let counted = series[slot].previousValue
                if series[slot].role == .requestBucket {
                    let bucket = series[slot].bucket
                    contributors[contributor].changeBuckets { $0.add(counted, at: bucket) }
                } else {
                    contributors[contributor].add(increase: counted, role: series[slot].role)
                }
                series[slot].previousValue = 0
            } else {
                series[slot].value = 0
            }
        }
        contributors[contributor].restartedAt = Timestamp(seconds: seconds).millis
    }
}
