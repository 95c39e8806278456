import Telemetry

extension SignalEngine {
    /// Applies a sample of the open cell, or a late one, to its series and its contributor.
    mutating func apply(_ index: Int, at time: Int64, value: Double) {
        let role = series[index].role
        let contributor = series[index].contributor
        switch role {
        case .oomKillEdges:
            contributors[contributor].oomKills.addEdges(value, at: time)
            return
        case .restartEdges:
            contributors[contributor].restarts.addEdges(value, at: time)
            return
        default: break
        }
        if StaleMarker.matches(value) {
            end(index, at: time)
            return
        }
        guard time > series[index].at else {
            counts.repeated += 1
            return
        }
        switch role {
        case .requestCount, .requestErrorCount, .requestSeconds, .pauseSeconds, .concurrentSeconds, .restarts,
            .oomKills, .nodeOOMKills, .deadlocks, .commits, .rollbacks, .checksumFailures, .checkpointsTimed,
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
        series[index].isLive = false
        contributors[series[index].contributor].liveSlots -= 1
    }

    private mutating func applyCounter(_ index: Int, _ role: SeriesRole, at time: Int64, value: Double) {
        let slot = series[index]
        let contributor = slot.contributor
        if role.isProcessCounter { contributors[contributor].noteRound(at: time, stepMillis: stepMillis) }
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
            contributors[contributor].database.add(increase, role: role)
        case .logEntries, .logErrorEntries, .logNewErrorPatterns:
            contributors[contributor].log.add(increase, role: role)
        default: contributors[contributor].add(increase: increase, role: role)
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
                contributors[contributor].add(increase: series[slot].previousValue, role: series[slot].role)
                series[slot].previousValue = 0
            } else {
                series[slot].value = 0
            }
        }
        contributors[contributor].restartedAt = Timestamp(seconds: seconds).millis
    }
}
