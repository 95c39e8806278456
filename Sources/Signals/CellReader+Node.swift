extension CellReader {
    /// A target's answer and its certificate: what counts is the time left at the end of the cell.
    mutating func readTarget(_ contributor: ContributorState, slots: [SeriesSlot]) {
        readGauges(contributor, slots: slots) { $0 == .probeUp ? .probeUp : nil }
        var notAfter = Gauge()
        for index in contributor.slots where cell.expects(slots[index]) && slots[index].role == .certificateNotAfter {
            notAfter.take(slots[index], in: cell, min)
        }
        notAfter.value = notAfter.value.map { $0 - Double(cell.endMillis) / 1000 }
        report(.certificateRemaining, notAfter, contributor.name)
    }

    mutating func readNode(_ contributor: inout ContributorState, slots: [SeriesSlot]) {
        var available = Gauge()
        var oomKills = Gauge()
        var total: Double?
        for index in contributor.slots where cell.expects(slots[index]) {
            switch slots[index].role {
            case .nodeMemoryAvailable: available.take(slots[index], in: cell, min)
            case .nodeOOMKills: oomKills.take(slots[index], in: cell, max)
            case .nodeMemoryTotal: total = slots[index].value
            default: break
            }
        }
        if let total, total > 0 {
            available.value = available.value.map { max(0, 1 - $0 / total) }
            report(.nodeMemory, available, contributor.name)
        }
        readGauges(contributor, slots: slots) { role in
            switch role {
            case .nodeReady: .nodeReady
            case .nodePressure: .nodePressure
            default: nil
            }
        }
        report(.nodeOOMKills, count(oomKills, &contributor.oomKills), contributor.name)
    }

    /// As `df` counts: what is kept for the superuser is neither taken nor room.
    mutating func readFileSystem(_ contributor: ContributorState, slots: [SeriesSlot]) {
        var available = Gauge()
        var filesFree = Gauge()
        var size: Double?
        var free: Double?
        var files: Double?
        for index in contributor.slots where cell.expects(slots[index]) {
            switch slots[index].role {
            case .filesystemAvailable: available.take(slots[index], in: cell, min)
            case .inodesFree: filesFree.take(slots[index], in: cell, min)
            case .filesystemSize: size = slots[index].value
            case .filesystemFree: free = slots[index].value
            case .inodes: files = slots[index].value
            default: break
            }
        }
        if let size, let free, size > 0 {
            available.value = available.value.flatMap { room in
                let used = max(0, size - free)
                return used + room > 0 ? used / (used + room) : nil
            }
            report(.diskUsed, available, contributor.name)
        }
        if let files, files > 0 {
            filesFree.value = filesFree.value.map { max(0, 1 - $0 / files) }
            report(.inodeUsed, filesFree, contributor.name)
        }
    }
}
