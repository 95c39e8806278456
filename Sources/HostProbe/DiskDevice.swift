/// `/proc/diskstats`: what each whole disk counted.
struct DiskDevice: Hashable, Sendable {
    var name: String
    var reads: Double
    var readBytes: Double
    var writes: Double
    var writtenBytes: Double
    /// Seconds with a request under way.
    var busySeconds: Double

    /// A sector in this file is 512 bytes, whatever the device has (Documentation/admin-guide/iostats.rst).
    static let sectorBytes = 512.0

    /// Whole disks by name: partitions, loop devices and disks in memory are left out, as node_exporter does, and so
    /// are disks
    /// that were never used.
    static func parse(_ text: String) -> [DiskDevice] {
        var devices: [DiskDevice] = []
        for line in ProcText.lines(text) {
            let words = ProcText.words(line)
            guard words.count >= 14 else { continue }
            let figures = words.dropFirst(3).compactMap { Double($0) }
            guard figures.count >= 11, !isPart(words[2]), figures[0] + figures[4] > 0 else { continue }
            devices.append(
                DiskDevice(
                    name: String(words[2]), reads: figures[0], readBytes: figures[2] * sectorBytes, writes: figures[4],
                    writtenBytes: figures[6] * sectorBytes, busySeconds: figures[9] / 1000))
        }
        return devices.sorted { $0.name < $1.name }
    }

    /// `loop0`, `ram1`, `zram0`, `fd0`, `sr0`; `sda1`, `vdb2`, `xvda1`, `hda1`; `nvme0n1p1`, `mmcblk0p1`.
    private static func isPart(_ name: Substring) -> Bool {
        if ["loop", "ram", "zram", "fd", "sr"].contains(where: name.hasPrefix) { return true }
        guard name.last?.isNumber == true else { return false }
        if ["sd", "vd", "xvd", "hd"].contains(where: name.hasPrefix) { return true }
        guard name.hasPrefix("nvme") || name.hasPrefix("mmcblk"), let part = name.lastIndex(of: "p") else {
            return false
        }
        let before = name[..<part].last
        return before?.isNumber == true
    }
}
