import Telemetry

extension SignalEngine {
    mutating func internCluster(_ name: String) -> Int {
        if let index = clusterIndexByName[name] { return index }
        clusterNames.append(name)
        clusterIndexByName[name] = clusterNames.count - 1
        return clusterNames.count - 1
    }

    /// -1 when the limit is reached.
    mutating func internAgent(_ name: String, cluster: Int) -> Int {
        let key = "\(cluster)/\(name)"
        if let index = agentIndexByName[key] { return index }
        let index: Int
        if let reused = freeAgents.popLast() {
            index = reused
        } else {
            guard agents.count < configuration.agentsMax else { return -1 }
            agents.append(AgentState(podRoundsFrom: .max, podRoundAt: .min))
            index = agents.count - 1
        }
        agentIndexByName[key] = index
        return index
    }

    /// Forgets agents whose nodes are gone; one that comes back after all begins anew.
    ///
    /// Series that came from them first stay as long as anybody sends them.
    package mutating func forget(agents gone: [(cluster: String, node: String)]) {
        var places: Set<Int> = []
        for agent in gone {
            guard let cluster = clusterIndexByName[agent.cluster],
                let place = agentIndexByName.removeValue(forKey: "\(cluster)/\(agent.node)")
            else { continue }
            places.insert(place)
            agents[place] = AgentState(podRoundsFrom: .max, podRoundAt: .min)
        }
        guard !places.isEmpty else { return }
        series.disown(places)
        freeAgents += places.sorted()
    }

    /// What a sample of a series goes to; one that is seen for the first time is classified, and counted when it is
    /// passed over.
    mutating func place(of one: Series, cluster: Int, agent: Int) -> SeriesPlace {
        guard let candidate = SeriesRole.candidate(metric: one.metric) else {
            counts.ignored += 1
            return .unread
        }
        let key = SeriesKey(cluster: cluster, series: one)
        return series.index(of: key).map(SeriesPlace.read)
            ?? register(one, key, candidate, cluster: cluster, agent: agent)
    }

    /// The same of a series of a list, whose name is made only when it is seen for the first time.
    mutating func place(of list: SeriesList, _ number: Int, cluster: Int, agent: Int) -> SeriesPlace {
        guard let candidate = SeriesRole.candidate(metric: list.metric(of: number)) else {
            counts.ignored += 1
            return .unread
        }
        let key = SeriesKey(cluster: cluster, series: list, number)
        return series.index(of: key).map(SeriesPlace.read)
            ?? register(list[number], key, candidate, cluster: cluster, agent: agent)
    }

    private mutating func register(
        _ one: Series, _ key: SeriesKey, _ candidate: SeriesRole, cluster: Int, agent: Int
    ) -> SeriesPlace {
        let labels = one.labels
        guard let role = SeriesRole.refine(candidate, labels: labels),
            let subject = Subject(cluster: clusterNames[cluster], labels: labels),
            let name = role.contributorKind.name(labels: labels)
        else {
            counts.ignored += 1
            return .unread
        }
        let subjectsRefused = counts.subjectsRefused
        guard series.count < configuration.seriesMax,
            let contributor = contributor(named: name, kind: role.contributorKind, of: subject)
        else {
            counts.refused += 1
            return .refused(counts.subjectsRefused == subjectsRefused ? .series : .subjects)
        }
        var bucket = 0
        if role == .requestBucket {
            guard let place = bucketPlace(labels, contributor) else { return .refused(.buckets) }
            bucket = place
        }
        let slot = series.insert(key, role: role, contributor: contributor, agent: agent)
        series[slot].bucket = bucket
        contributors[contributor].slots.append(slot)
        noteCollector(role, labels, contributor)
        return .read(slot)
    }

    /// Counts a sample of a series that is beyond a limit.
    mutating func count(_ refusal: Refusal) {
        counts.refused += 1
        switch refusal {
        case .series: break
        case .subjects: counts.subjectsRefused += 1
        case .buckets: counts.bucketsRefused += 1
        }
    }

    /// The place of a bucket among its contributor's; nil, and counted, when there are too many.
    private mutating func bucketPlace(_ labels: LabelSet, _ contributor: Int) -> Int? {
        let finiteMax = configuration.bucketsMax
        let place = LatencyBuckets.bound(labels).flatMap { bound in
            contributors[contributor].changeBuckets { $0.place(of: bound, finiteMax: finiteMax) }
        }
        if place == nil {
            counts.refused += 1
            counts.bucketsRefused += 1
        }
        return place
    }

    /// The pseudo series of a contributor's edges; nil when the edge names none or a limit is reached.
    mutating func edgeSlot(_ edge: Edge, role: SeriesRole, cluster: Int, agent: Int) -> Int? {
        guard let subject = Subject(cluster: clusterNames[cluster], labels: edge.labels),
            let name = ContributorKind.container.name(labels: edge.labels)
        else {
            counts.ignored += 1
            return nil
        }
        guard series.count < configuration.seriesMax,
            let contributor = contributor(named: name, kind: .container, of: subject)
        else {
            counts.refused += 1
            return nil
        }
        let isOOM = role == .oomKillEdges
        if let known = isOOM ? contributors[contributor].oomKillEdges : contributors[contributor].restartEdges {
            return known
        }
        let slot = series.insert(.none, role: role, contributor: contributor, agent: agent)
        if isOOM {
            contributors[contributor].oomKillEdges = slot
        } else {
            contributors[contributor].restartEdges = slot
        }
        return slot
    }

    /// Pool names as the JVMs print them (recorded with JDK 17 and 25).
    private mutating func noteCollector(_ role: SeriesRole, _ labels: LabelSet, _ contributor: Int) {
        guard role == .heapUsed || role == .heapMaximum, let pool = labels["id"] else { return }
        if pool.hasPrefix("ZGC") || pool.hasPrefix("ZHeap") { contributors[contributor].isZGC = true }
        if ["G1", "ZGC", "ZHeap", "Shenandoah"].contains(where: pool.hasPrefix) {
            contributors[contributor].poolsShareMaximum = true
        }
    }

    private mutating func contributor(named name: String, kind: ContributorKind, of subject: Subject) -> Int? {
        guard let group = group(kind, of: subject) else { return nil }
        if let known = groups[group].indexByName[name] { return known }
        guard groups[group].contributors.count < configuration.contributorsMax else { return nil }
        let state = ContributorState(name: name, kind: kind, group: group)
        let index: Int
        if let reused = freeContributors.popLast() {
            index = reused
            contributors[index] = state
        } else {
            index = contributors.count
            contributors.append(state)
        }
        groups[group].indexByName[name] = index
        let position = groups[group].contributors.firstPlace { contributors[$0].name > name }
        groups[group].contributors.insert(index, at: position)
        return index
    }

    private mutating func group(_ kind: ContributorKind, of subject: Subject) -> Int? {
        if let known = groupsBySubject[subject] {
            if known[kind.rawValue] >= 0 { return known[kind.rawValue] }
        } else if groupsBySubject.count >= configuration.subjectsMax {
            counts.subjectsRefused += 1
            return nil
        }
        let index: Int
        if let reused = freeGroups.popLast() {
            index = reused
            groups[index] = SubjectGroup(subject: subject, kind: kind)
        } else {
            index = groups.count
            groups.append(SubjectGroup(subject: subject, kind: kind))
        }
        let none = Array(repeating: -1, count: ContributorKind.allCases.count)
        groupsBySubject[subject, default: none][kind.rawValue] = index
        groupOrder.insert(index, at: groupOrder.firstPlace { groups[$0].follows(groups[index]) })
        return index
    }

    /// Forgets what has been silent for long, baselines included, once a minute.
    mutating func forgetSilent() {
        guard nowMillis - sweptAtMillis >= 60_000 else { return }
        sweptAtMillis = nowMillis
        let horizon = nowMillis - configuration.forgetAfter.wholeMilliseconds
        for agent in agents.indices where agents[agent].numberedAt < horizon { agents[agent].numbered = .init() }
        var emptied: Set<Int> = []
        for group in groupOrder {
            let silent = groups[group].contributors.filter { contributors[$0].newestAt < horizon }
            for contributor in silent { forget(contributor) }
            if !silent.isEmpty { releases &+= 1 }
            if !silent.isEmpty, groups[group].contributors.isEmpty { emptied.insert(group) }
        }
        guard !emptied.isEmpty else { return }
        groupOrder.removeAll { emptied.contains($0) }
        for group in emptied.sorted() {
            let subject = groups[group].subject
            groupsBySubject[subject]?[groups[group].kind.rawValue] = -1
            if groupsBySubject[subject]?.allSatisfy({ $0 < 0 }) == true { groupsBySubject[subject] = nil }
            counts.pending -= groups[group].pending.count
            groups[group].pending = []
            freeGroups.append(group)
        }
    }

    private mutating func forget(_ index: Int) {
        let contributor = contributors[index]
        for slot in contributor.slots { series.remove(slot) }
        if let slot = contributor.oomKillEdges { series.remove(slot) }
        if let slot = contributor.restartEdges { series.remove(slot) }
        uncount(index)
        groups[contributor.group].contributors.removeAll { $0 == index }
        groups[contributor.group].indexByName[contributor.name] = nil
        contributors[index].slots = []
        freeContributors.append(index)
    }
}

extension [Int] {
    /// The first place whose element fulfils what all behind it fulfil too; the end when none does.
    ///
    /// By halves: a fleet begins with tens of thousands of subjects, each of which is put in its place.
    fileprivate func firstPlace(where isBehind: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
