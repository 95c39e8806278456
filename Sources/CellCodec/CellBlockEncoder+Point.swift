import Signals

extension CellBlockEncoder {
    /// Writes what of a cell differs from the last one of its track.
    mutating func put(_ point: SignalPoint, _ track: Int) {
        let place = columns.place(in: .masks)
        columns.byte(0, .masks)
        var mask: UInt8 = 0
        if putVolume(point, track) { mask |= CellMask.volume }
        if putValue(point, track) { mask |= CellMask.value }
        if putHealthy(point, track) { mask |= CellMask.healthy }
        if putCoverage(point, track) { mask |= CellMask.coverage }
        if putOrder(point, track) { mask |= CellMask.order }
        if putContributions(point, track) { mask |= CellMask.contributions }
        if putEvidence(point, track) { mask |= CellMask.evidence }
        chain.tracks[track].last = point
        columns.set(mask, at: place, .masks)
    }

    private mutating func putVolume(_ point: SignalPoint, _ track: Int) -> Bool {
        let bits = point.volume.bitPattern
        defer { recordVolume = bits }
        guard bits != chain.tracks[track].volume.bits else { return false }
        NumberForm.put(
            point.volume, &chain.tracks[track].volume, same: recordVolume, volume: nil, into: &columns)
        return true
    }

    private mutating func putValue(_ point: SignalPoint, _ track: Int) -> Bool {
        guard let value = point.value else {
            guard chain.tracks[track].last.value != nil else { return false }
            columns.byte(NumberForm.nothing, .tags)
            return true
        }
        if chain.tracks[track].last.value != nil, value.bitPattern == chain.tracks[track].value.bits { return false }
        NumberForm.put(value, &chain.tracks[track].value, same: nil, volume: point.volume, into: &columns)
        return true
    }

    private mutating func putHealthy(_ point: SignalPoint, _ track: Int) -> Bool {
        let healthy = point.valueIfMissingHealthy
        let (last, follows) = (chain.tracks[track].last.valueIfMissingHealthy, chain.tracks[track].healthyFollows)
        if healthy?.bitPattern == point.value?.bitPattern {
            guard !follows else { return false }
            chain.tracks[track].healthyFollows = true
            columns.byte(NumberForm.same, .tags)
            return true
        }
        guard follows || healthy?.bitPattern != last?.bitPattern else { return false }
        chain.tracks[track].healthyFollows = false
        if let healthy {
            NumberForm.put(healthy, &chain.tracks[track].healthy, same: nil, volume: nil, into: &columns)
        } else {
            columns.byte(NumberForm.nothing, .tags)
        }
        return true
    }

    private mutating func putCoverage(_ point: SignalPoint, _ track: Int) -> Bool {
        let last = chain.tracks[track].last.coverage
        guard point.coverage.present != last.present || point.coverage.expected != last.expected else { return false }
        columns.signed(Int64(point.coverage.present &- last.present), .whole)
        columns.signed(Int64(point.coverage.expected &- last.expected), .whole)
        return true
    }

    // MARK: Contributions

    /// Writes who contributed, and in which order, where it is not as last time.
    private mutating func putOrder(_ point: SignalPoint, _ track: Int) -> Bool {
        let order = chain.tracks[track].order
        let isSame =
            order.count == point.contributions.count
            && zip(order, point.contributions).allSatisfy { place, contribution in
                chain.tracks[track].contributors[place].name == contribution.contributor
            }
        guard !isSame else { return false }
        var places: [String: Int] = [:]
        for (place, known) in chain.tracks[track].contributors.enumerated() { places[known.name] = place }
        columns.count(point.contributions.count, .members)
        var changed: [Int] = []
        for contribution in point.contributions {
            let name = contribution.contributor
            let next = chain.tracks[track].contributors.count
            // Two of one name are two contributors.
            let place = places.removeValue(forKey: name) ?? next
            columns.count(place, .members)
            if place == next {
                columns.name(name)
                chain.tracks[track].contributors.append(CellContributor(name))
                chain.names += 1
            }
            changed.append(place)
        }
        chain.tracks[track].order = changed
        return true
    }

    /// Writes what each contributed, where that does not follow from the cell and is not as last time.
    private mutating func putContributions(_ point: SignalPoint, _ track: Int) -> Bool {
        let order = chain.tracks[track].order
        guard !order.isEmpty else { return false }
        let follows =
            order.count == 1 && point.contributions[0].value.bitPattern == point.value?.bitPattern
            && point.contributions[0].volume.bitPattern == point.volume.bitPattern
        if follows {
            guard !chain.tracks[track].contributionFollows else { return false }
            chain.tracks[track].contributionFollows = true
            columns.byte(0, .members)
            return true
        }
        let isSame = zip(order, point.contributions).allSatisfy { place, contribution in
            let known = chain.tracks[track].contributors[place]
            return known.value.bits == contribution.value.bitPattern
                && known.volume.bits == contribution.volume.bitPattern
        }
        guard chain.tracks[track].contributionFollows || !isSame else { return false }
        chain.tracks[track].contributionFollows = false
        columns.byte(1, .members)
        for (place, contribution) in zip(order, point.contributions) { put(contribution, place, point, track) }
        return true
    }

    private mutating func put(_ contribution: Contribution, _ place: Int, _ point: SignalPoint, _ track: Int) {
        let known = chain.tracks[track].contributors[place]
        let hasVolume = known.volume.bits != contribution.volume.bitPattern
        let hasValue = known.value.bits != contribution.value.bitPattern
        columns.byte((hasValue ? CellMask.value : 0) | (hasVolume ? CellMask.volume : 0), .members)
        if hasVolume {
            NumberForm.put(
                contribution.volume, &chain.tracks[track].contributors[place].volume, same: point.volume.bitPattern,
                volume: nil, into: &columns)
        }
        if hasValue {
            NumberForm.put(
                contribution.value, &chain.tracks[track].contributors[place].value, same: point.value?.bitPattern,
                volume: contribution.volume, into: &columns)
        }
    }

    // MARK: Evidence

    private mutating func putEvidence(_ point: SignalPoint, _ track: Int) -> Bool {
        var last: QuantileEvidence?
        if case .quantile(let buckets)? = chain.tracks[track].last.evidence { last = buckets }
        guard case .quantile(let buckets)? = point.evidence else {
            guard last != nil else { return false }
            columns.byte(CellEvidence.nothing, .members)
            return true
        }
        defer { recordBuckets = buckets }
        if let last, buckets.isIdentical(to: last) { return false }
        let isSame = recordBuckets.map { buckets.hasSameBuckets(as: $0) } ?? false
        let hasBounds = !isSame && !(last.map { $0.bounds.isIdentical(to: buckets.bounds) } ?? false)
        let hasRequests = !isSame && buckets.requestsIfMissingHealthy.bitPattern != point.volume.bitPattern
        let hasShare = buckets.share.bitPattern != chain.tracks[track].share.bits
        let isWhole = buckets.slower.allSatisfy(\.isCount)
        var flags = isSame ? CellEvidence.same : CellEvidence.own
        if hasShare { flags |= CellEvidence.share }
        if hasBounds { flags |= CellEvidence.bounds }
        if hasRequests { flags |= CellEvidence.requests }
        if !isSame, !isWhole { flags |= CellEvidence.fractions }
        columns.byte(flags, .members)
        if hasShare {
            NumberForm.put(buckets.share, &chain.tracks[track].share, same: nil, volume: nil, into: &columns)
        }
        if hasBounds {
            columns.count(buckets.bounds.count, .members)
            for bound in buckets.bounds { columns.raw(bound.bitPattern, bytes: 8) }
        }
        putBound(buckets.lower, of: buckets)
        putBound(buckets.upper, of: buckets)
        if hasRequests {
            NumberForm.put(
                buckets.requestsIfMissingHealthy, &chain.tracks[track].requests, same: nil, volume: nil, into: &columns)
        }
        if !isSame { putCounts(buckets.slower, areWhole: isWhole) }
        return true
    }

    private mutating func putBound(_ bound: Double?, of buckets: QuantileEvidence) {
        guard let bound else {
            columns.number(CellEvidence.noBound, .members)
            return
        }
        if let place = buckets.bounds.firstIndex(where: { $0.bitPattern == bound.bitPattern }) {
            columns.number(CellEvidence.firstBound + UInt64(place), .members)
        } else {
            columns.number(CellEvidence.explicitBound, .members)
            columns.raw(bound.bitPattern, bytes: 8)
        }
    }

    /// Writes counts by bound as runs, since most bounds have as many above them as the one before.
    private mutating func putCounts(_ counts: [Float], areWhole: Bool) {
        var start = 0
        var last: Int64 = 0
        while start < counts.count {
            var end = start + 1
            while end < counts.count, counts[end].bitPattern == counts[start].bitPattern { end += 1 }
            columns.count(end - start, .members)
            if areWhole {
                columns.signed(Int64(counts[start]) - last, .whole)
                last = Int64(counts[start])
            } else {
                columns.raw(UInt64(counts[start].bitPattern), bytes: 4)
            }
            start = end
        }
    }
}

extension Float {
    /// Whether it is a whole number that an integer holds, and no negative zero.
    fileprivate var isCount: Bool { magnitude < 16_777_216 && Float(Int64(self)).bitPattern == bitPattern }
}

extension [Double] {
    /// Equality of all bits.
    func isIdentical(to other: [Double]) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
}

extension QuantileEvidence {
    /// Equality of all bits.
    func isIdentical(to other: QuantileEvidence) -> Bool {
        share.bitPattern == other.share.bitPattern && lower.bitPattern == other.lower.bitPattern
            && upper?.bitPattern == other.upper?.bitPattern && hasSameBuckets(as: other)
    }

    /// Equality of all that does not hang on the share.
    func hasSameBuckets(as other: QuantileEvidence) -> Bool {
        requestsIfMissingHealthy.bitPattern == other.requestsIfMissingHealthy.bitPattern
            && bounds.isIdentical(to: other.bounds) && slower.count == other.slower.count
            && zip(slower, other.slower).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
}
