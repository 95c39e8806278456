import Signals

/// The cells of one subject and time while they are read.
struct CellRecord {
    /// The volume of the last cell.
    private var volume: UInt64?
    /// The buckets of the last cell that had some.
    private var buckets: QuantileEvidence?
    private let namesMax: Int
    private let countsMax: Int
    private let nameBytesMax: Int
    /// Contributors that the record named first.
    private(set) var names = 0
    /// Counts by bound.
    private(set) var counts = 0

    init(namesMax: Int, countsMax: Int, nameBytesMax: Int) {
        self.namesMax = namesMax
        self.countsMax = countsMax
        self.nameBytesMax = nameBytesMax
    }

    /// Notes what the next cells may refer to.
    @inline(__always)
    mutating func note(_ track: borrowing CellTrack) {
        volume = track.volume.bits
        if track.last.evidence != nil { noteBuckets(track.last.evidence) }
    }

    private mutating func noteBuckets(_ evidence: SignalEvidence?) {
        if case .quantile(let own)? = evidence { buckets = own }
    }

    /// Makes the next cell of a track of its last one; a failure shows in the columns.
    mutating func change(_ track: inout CellTrack, _ mask: UInt8, _ columns: inout CellColumnsReader) {
        guard mask & ~CellMask.all == 0 else { return columns.masks.fail() }
        if mask & CellMask.volume != 0 {
            NumberForm.take(columns.tags.byte(), &track.volume, same: volume, volume: nil, from: &columns)
            track.last.volume = track.volume.value
        }
        if mask & CellMask.value != 0 { takeValue(&track, &columns) }
        if mask & CellMask.healthy != 0 { takeHealthy(&track, &columns) }
        if track.healthyFollows { track.last.valueIfMissingHealthy = track.last.value }
        if mask & CellMask.coverage != 0 {
            track.last.coverage.present = track.last.coverage.present &+ Int(columns.whole.signed())
            track.last.coverage.expected = track.last.coverage.expected &+ Int(columns.whole.signed())
        }
        if mask & CellMask.order != 0 { takeOrder(&track, &columns) }
        if mask & CellMask.contributions != 0 { takeContributions(&track, &columns) }
        if !columns.hasFailed { contribute(&track, mask, &columns) }
        if mask & CellMask.evidence != 0 { takeEvidence(&track, &columns) }
    }

    private func takeValue(_ track: inout CellTrack, _ columns: inout CellColumnsReader) {
        let tag = columns.tags.byte()
        guard tag != NumberForm.nothing else {
            track.last.value = nil
            return
        }
        NumberForm.take(tag, &track.value, same: nil, volume: track.last.volume, from: &columns)
        track.last.value = track.value.value
    }

    private func takeHealthy(_ track: inout CellTrack, _ columns: inout CellColumnsReader) {
        let tag = columns.tags.byte()
        track.healthyFollows = tag == NumberForm.same
        if tag == NumberForm.nothing {
            track.last.valueIfMissingHealthy = nil
        } else if tag != NumberForm.same {
            NumberForm.take(tag, &track.healthy, same: nil, volume: nil, from: &columns)
            track.last.valueIfMissingHealthy = track.healthy.value
        }
    }

    // MARK: Contributions

    private mutating func takeOrder(_ track: inout CellTrack, _ columns: inout CellColumnsReader) {
        let count = columns.members.count(atMost: SignalPoint.contributionsMax)
        track.order.removeAll(keepingCapacity: true)
        for _ in 0..<count {
            let place = columns.members.count(atMost: track.contributors.count)
            if place == track.contributors.count, !columns.members.hasFailed {
                names += 1
                guard names <= namesMax else { return columns.members.fail() }
                track.contributors.append(CellContributor(columns.text.name(bytesMax: nameBytesMax)))
            }
            guard !columns.hasFailed else { return }
            track.order.append(place)
        }
    }

    private func takeContributions(_ track: inout CellTrack, _ columns: inout CellColumnsReader) {
        let kind = columns.members.byte()
        guard kind == 1 else {
            track.contributionFollows = true
            if kind != 0 || track.order.count != 1 { columns.members.fail() }
            return
        }
        track.contributionFollows = false
        for place in track.order {
            let mask = columns.members.byte()
            guard mask & ~(CellMask.value | CellMask.volume) == 0, !columns.hasFailed else {
                return columns.members.fail()
            }
            if mask & CellMask.volume != 0 {
                NumberForm.take(
                    columns.tags.byte(), &track.contributors[place].volume, same: track.volume.bits, volume: nil,
                    from: &columns)
            }
            if mask & CellMask.value != 0 {
                NumberForm.take(
                    columns.tags.byte(), &track.contributors[place].value, same: track.last.value?.bitPattern,
                    volume: track.contributors[place].volume.value, from: &columns)
            }
        }
    }

    /// Puts the contributions in the cell, where anything of them may have changed.
    private func contribute(_ track: inout CellTrack, _ mask: UInt8, _ columns: inout CellColumnsReader) {
        guard !track.order.isEmpty else {
            if mask & CellMask.order != 0 { track.last.contributions = [] }
            return
        }
        let hangsOnCell = track.contributionFollows && mask & (CellMask.value | CellMask.volume) != 0
        guard hangsOnCell || mask & (CellMask.order | CellMask.contributions) != 0 else { return }
        if track.contributionFollows {
            guard track.order.count == 1, let value = track.last.value else { return columns.members.fail() }
            track.last.contributions = [
                Contribution(
                    contributor: track.contributors[track.order[0]].name, value: value, volume: track.last.volume)
            ]
            return
        }
        track.last.contributions = track.order.map { place in
            let contributor = track.contributors[place]
            return Contribution(
                contributor: contributor.name, value: contributor.value.value, volume: contributor.volume.value)
        }
    }

    // MARK: Evidence

    private mutating func takeEvidence(_ track: inout CellTrack, _ columns: inout CellColumnsReader) {
        let flags = columns.members.byte()
        let kind = flags & CellEvidence.kind
        guard flags & ~CellEvidence.all == 0, kind <= CellEvidence.own, kind != CellEvidence.nothing || flags == 0
        else {
            return columns.members.fail()
        }
        guard kind != CellEvidence.nothing else {
            track.last.evidence = nil
            return
        }
        if flags & CellEvidence.share != 0 {
            NumberForm.take(columns.tags.byte(), &track.share, same: nil, volume: nil, from: &columns)
        }
        var bounds: [Double]
        if kind == CellEvidence.same {
            guard let buckets, flags & (CellEvidence.bounds | CellEvidence.requests) == 0 else {
                return columns.members.fail()
            }
            bounds = buckets.bounds
        } else if flags & CellEvidence.bounds != 0 {
            let count = columns.members.count(atMost: min(CellEvidence.boundsMax, columns.raw.remaining / 8))
            bounds = (0..<count).map { _ in Double(bitPattern: columns.raw.raw(bytes: 8)) }
        } else {
            guard case .quantile(let last)? = track.last.evidence else { return columns.members.fail() }
            bounds = last.bounds
        }
        guard let lower = takeBound(of: bounds, &columns), let low = lower,
            let upper = takeBound(of: bounds, &columns)
        else { return columns.members.fail() }
        var own = QuantileEvidence(
            share: track.share.value, lower: low, upper: upper, bounds: bounds, slower: buckets?.slower ?? [],
            requestsIfMissingHealthy: buckets?.requestsIfMissingHealthy ?? 0)
        if kind == CellEvidence.own {
            if flags & CellEvidence.requests != 0 {
                NumberForm.take(columns.tags.byte(), &track.requests, same: nil, volume: nil, from: &columns)
                own.requestsIfMissingHealthy = track.requests.value
            } else {
                own.requestsIfMissingHealthy = track.last.volume
            }
            counts += bounds.count
            guard counts <= countsMax else { return columns.members.fail() }
            own.slower = takeCounts(bounds.count, areWhole: flags & CellEvidence.fractions == 0, &columns)
        }
        track.last.evidence = .quantile(own)
    }

    /// A bound; nil where its number makes no sense, `.some(nil)` for none.
    private func takeBound(of bounds: [Double], _ columns: inout CellColumnsReader) -> Double?? {
        let number = columns.members.number()
        switch number {
        case CellEvidence.explicitBound: return .some(Double(bitPattern: columns.raw.raw(bytes: 8)))
        case CellEvidence.noBound: return .some(nil)
        default:
            let place = number - CellEvidence.firstBound
            return place < UInt64(bounds.count) ? .some(bounds[Int(place)]) : nil
        }
    }

    private func takeCounts(_ count: Int, areWhole: Bool, _ columns: inout CellColumnsReader) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { counts, filled in
            var last: Int64 = 0
            while filled < count {
                let run = columns.members.count(atMost: count - filled)
                guard run > 0 else { return columns.members.fail() }
                var value: Float
                if areWhole {
                    last = last &+ columns.whole.signed()
                    value = Float(last)
                } else {
                    value = Float(bitPattern: UInt32(truncatingIfNeeded: columns.raw.raw(bytes: 4)))
                }
                for _ in 0..<run {
                    counts[filled] = value
                    filled += 1
                }
            }
        }
    }
}
