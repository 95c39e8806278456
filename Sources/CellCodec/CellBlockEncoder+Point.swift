import Signals
import Telemetry

/// Where cells of one record are written: the columns, and what the record's later cells may refer to.
struct CellSink {
    var columns = CellColumnsWriter()
    /// The volume that was told last in the record.
    var volume: UInt64?
    /// The buckets that were told last in the record.
    var buckets: QuantileEvidence?
    /// Contributors named first since the encoder looked.
    var names = 0
    /// Names of a track's contributors; kept for its room.
    fileprivate var known: [TextBits] = []

    /// Starts a record.
    mutating func startRecord() {
        volume = nil
        if buckets != nil { buckets = nil }
    }
}

extension CellTrack {
    /// Writes what of a cell differs from the last one of the track.
    mutating func put(_ point: borrowing SignalPoint, into sink: inout CellSink) {
        var mask: UInt8 = 0
        if putVolume(point, &sink) { mask |= CellMask.volume }
        if putValue(point, &sink) { mask |= CellMask.value }
        if putHealthy(point, &sink) { mask |= CellMask.healthy }
        if putCoverage(point, &sink) { mask |= CellMask.coverage }
        if putOrder(point, &sink) { mask |= CellMask.order }
        if putContributions(point, &sink) { mask |= CellMask.contributions }
        if putEvidence(point, &sink) { mask |= CellMask.evidence }
        // The rest of it is what the track is of, or is kept with its contributors.
        last.value = point.value
        last.valueIfMissingHealthy = point.valueIfMissingHealthy
        last.coverage = point.coverage
        sink.columns.byte(mask, .masks)
    }

    private mutating func putVolume(_ point: borrowing SignalPoint, _ sink: inout CellSink) -> Bool {
        let bits = point.volume.bitPattern
        defer { sink.volume = bits }
        guard bits != volume.bits else { return false }
        NumberForm.put(point.volume, &volume, same: sink.volume, volume: nil, into: &sink.columns)
        return true
    }

    private mutating func putValue(_ point: borrowing SignalPoint, _ sink: inout CellSink) -> Bool {
        guard let number = point.value else {
            guard last.value != nil else { return false }
            sink.columns.byte(NumberForm.nothing, .tags)
            return true
        }
        if last.value != nil, number.bitPattern == value.bits { return false }
        NumberForm.put(number, &value, same: nil, volume: point.volume, into: &sink.columns)
        return true
    }

    private mutating func putHealthy(_ point: borrowing SignalPoint, _ sink: inout CellSink) -> Bool {
        let number = point.valueIfMissingHealthy
        if number?.bitPattern == point.value?.bitPattern {
            guard !healthyFollows else { return false }
            healthyFollows = true
            sink.columns.byte(NumberForm.same, .tags)
            return true
        }
        guard healthyFollows || number?.bitPattern != last.valueIfMissingHealthy?.bitPattern else { return false }
        healthyFollows = false
        if let number {
            NumberForm.put(number, &healthy, same: nil, volume: nil, into: &sink.columns)
        } else {
            sink.columns.byte(NumberForm.nothing, .tags)
        }
        return true
    }

    private mutating func putCoverage(_ point: borrowing SignalPoint, _ sink: inout CellSink) -> Bool {
        let last = last.coverage
        guard point.coverage.present != last.present || point.coverage.expected != last.expected else { return false }
        sink.columns.signed(Int64(point.coverage.present &- last.present), .whole)
        sink.columns.signed(Int64(point.coverage.expected &- last.expected), .whole)
        return true
    }

    // MARK: Contributions

    /// Writes who contributed, and in which order, where it is not as last time.
    private mutating func putOrder(_ point: borrowing SignalPoint, _ sink: inout CellSink) -> Bool {
        guard !hasSameOrder(point) else { return false }
        sink.columns.count(point.contributions.count, .members)
        sink.known.removeAll(keepingCapacity: true)
        for place in contributors.indices { sink.known.append(TextBits(contributors[place].name)) }
        order.removeAll(keepingCapacity: true)
        for position in point.contributions.indices {
            let place = place(of: point.contributions[position].contributor, sink.known)
            // Two of one name are two contributors.
            if let place { sink.known[place] = .none }
            sink.columns.count(place ?? contributors.count, .members)
            order.append(place ?? contributors.count)
            if place == nil {
                let name = point.contributions[position].contributor
                sink.columns.name(name)
                contributors.append(CellContributor(name))
                sink.known.append(.none)
                sink.names += 1
            }
        }
        return true
    }

    /// The contributor of a name that is not taken yet: by its bits, which nearly always are those of the last cell,
    /// else by its text.
    private func place(of name: String, _ known: [TextBits]) -> Int? {
        let bits = TextBits(name)
        if let place = known.lastIndex(of: bits) { return place }
        return contributors.indices.last { known[$0] != .none && contributors[$0].name == name }
    }

    /// Writes what each contributed, where that does not follow from the cell and is not as last time.
    private mutating func putContributions(_ point: borrowing SignalPoint, _ sink: inout CellSink) -> Bool {
        guard !order.isEmpty else { return false }
        let follows =
            order.count == 1 && point.contributions[0].value.bitPattern == point.value?.bitPattern
            && point.contributions[0].volume.bitPattern == point.volume.bitPattern
        if follows {
            guard !contributionFollows else { return false }
            contributionFollows = true
            sink.columns.byte(0, .members)
            return true
        }
        guard contributionFollows || !hasSameContributions(point) else { return false }
        contributionFollows = false
        sink.columns.byte(1, .members)
        for position in order.indices { putContribution(at: position, of: point, &sink) }
        return true
    }

    private mutating func putContribution(at position: Int, of point: borrowing SignalPoint, _ sink: inout CellSink) {
        let place = order[position]
        let (own, ownVolume) = (point.contributions[position].value, point.contributions[position].volume)
        let hasVolume = contributors[place].volume.bits != ownVolume.bitPattern
        let hasValue = contributors[place].value.bits != own.bitPattern
        sink.columns.byte((hasValue ? CellMask.value : 0) | (hasVolume ? CellMask.volume : 0), .members)
        if hasVolume {
            NumberForm.put(
                ownVolume, &contributors[place].volume, same: point.volume.bitPattern, volume: nil,
                into: &sink.columns)
        }
        if hasValue {
            NumberForm.put(
                own, &contributors[place].value, same: point.value?.bitPattern, volume: ownVolume,
                into: &sink.columns)
        }
    }

    /// Whether those who contributed are those of the last cell, in their order; without a list of their own, since
    /// this is asked for each cell.
    private func hasSameOrder(_ point: borrowing SignalPoint) -> Bool {
        guard order.count == point.contributions.count else { return false }
        for position in order.indices
        where contributors[order[position]].name != point.contributions[position].contributor { return false }
        return true
    }

    /// Whether each of the same contributors has what it had last.
    private func hasSameContributions(_ point: borrowing SignalPoint) -> Bool {
        for position in order.indices {
            let place = order[position]
            guard contributors[place].value.bits == point.contributions[position].value.bitPattern,
                contributors[place].volume.bits == point.contributions[position].volume.bitPattern
            else { return false }
        }
        return true
    }

    // MARK: Evidence

    private mutating func putEvidence(_ point: borrowing SignalPoint, _ sink: inout CellSink) -> Bool {
        guard last.evidence != nil || point.evidence != nil else { return false }
        var former: QuantileEvidence?
        if case .quantile(let buckets)? = last.evidence { former = buckets }
        last.evidence = point.evidence
        guard case .quantile(let buckets)? = point.evidence else {
            guard former != nil else { return false }
            sink.columns.byte(CellEvidence.nothing, .members)
            return true
        }
        defer { sink.buckets = buckets }
        if let former, buckets.isIdentical(to: former) { return false }
        let isSame = sink.buckets.map { buckets.hasSameBuckets(as: $0) } ?? false
        let hasBounds = !isSame && !(former.map { $0.bounds.isIdentical(to: buckets.bounds) } ?? false)
        let hasRequests = !isSame && buckets.requestsIfMissingHealthy.bitPattern != point.volume.bitPattern
        let hasShare = buckets.share.bitPattern != share.bits
        let isWhole = buckets.slower.allSatisfy(\.isCount)
        var flags = isSame ? CellEvidence.same : CellEvidence.own
        if hasShare { flags |= CellEvidence.share }
        if hasBounds { flags |= CellEvidence.bounds }
        if hasRequests { flags |= CellEvidence.requests }
        if !isSame, !isWhole { flags |= CellEvidence.fractions }
        sink.columns.byte(flags, .members)
        if hasShare { NumberForm.put(buckets.share, &share, same: nil, volume: nil, into: &sink.columns) }
        if hasBounds {
            sink.columns.count(buckets.bounds.count, .members)
            for bound in buckets.bounds { sink.columns.raw(bound.bitPattern, bytes: 8) }
        }
        sink.putBound(buckets.lower, of: buckets)
        sink.putBound(buckets.upper, of: buckets)
        if hasRequests {
            NumberForm.put(
                buckets.requestsIfMissingHealthy, &requests, same: nil, volume: nil, into: &sink.columns)
        }
        if !isSame { sink.putCounts(buckets.slower, areWhole: isWhole) }
        return true
    }
}

extension CellSink {
    fileprivate mutating func putBound(_ bound: Double?, of buckets: QuantileEvidence) {
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
    fileprivate mutating func putCounts(_ counts: [Float], areWhole: Bool) {
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
