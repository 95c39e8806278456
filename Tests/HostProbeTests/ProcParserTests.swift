import Testing

@testable import HostProbe

@Suite struct ProcParserTests {
    @Test func stat() throws {
        let stat = ProcStat.parse(try Fixture.text("stat.txt"))
        #expect(Set(stat.cpus.keys) == ["all", "0", "1"])
        #expect(stat.cpus["0"] == [2957.57, 0.45, 289.78, 1374.87, 7.23, 0, 0.67, 3.77])
        #expect(stat.bootTime == 1_795_562_962)
        #expect(stat.running == 6)
        #expect(stat.blocked == 0)
    }

    @Test func statOfAnOldKernelHasFewerColumns() {
        #expect(ProcStat.parse("cpu0 100 200 300 400\n").cpus["0"] == [1, 2, 3, 4])
        #expect(ProcStat.parse("cpu0 100 x\nbtime\n") == ProcStat())
    }

    @Test func memory() throws {
        let memory = MemoryInfo.parse(try Fixture.text("meminfo.txt"))
        #expect(Set(memory.keys) == MemoryInfo.wanted)
        #expect(memory["MemTotal"] == 24_684_096.0 * 1024)
        #expect(memory["SwapTotal"] == 0)
        #expect(MemoryInfo.parse("MemTotal: lots kB\nMemFree 12 kB\nCached: 3\n").isEmpty)
    }

    @Test func pressure() throws {
        let pressure = PressureInfo.parse(try Fixture.text("pressure-io.txt"))
        #expect(pressure == PressureInfo(waitingSeconds: 44.723223, stalledSeconds: 11.275388))
        #expect(PressureInfo.parse("some avg10=0.00 total=\nfull\n") == PressureInfo())
    }

    @Test func vmstat() throws {
        let values = ProcText.pairs(try Fixture.text("vmstat.txt"), wanted: HostSamples.vmstatWanted)
        #expect(values == ["oom_kill": 0, "pgmajfault": 35604, "pswpin": 0, "pswpout": 0])
    }

    @Test func network() throws {
        let devices = NetworkDevice.parse(try Fixture.text("net-dev.txt"))
        #expect(devices.map(\.name) == ["eth0"])
        #expect(devices.first?.receivedBytes == 14_912_893)
        #expect(devices.first?.sentBytes == 192_500)
    }

    @Test func networkNameMayTouchItsFirstFigure() {
        let text =
            "eth0.7:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nveth1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nbad: 1\n"
        let device = NetworkDevice(
            name: "eth0.7", receivedBytes: 1, receiveErrors: 3, receiveDrops: 4, sentBytes: 9, sendErrors: 11,
            sendDrops: 12)
        #expect(NetworkDevice.parse(text) == [device])
    }

    @Test func disks() throws {
        let devices = DiskDevice.parse(try Fixture.text("diskstats.txt"))
        #expect(devices.map(\.name) == ["vda"])
        #expect(devices.first?.readBytes == 20_473_146.0 * 512)
        #expect(devices.first?.busySeconds == 83.58)
    }

    @Test(arguments: [
        ("sda", true), ("sda1", false), ("nvme0n1", true), ("nvme0n1p2", false), ("mmcblk0", true),
        ("mmcblk0p1", false),
        ("dm-0", true), ("md127", true), ("loop3", false), ("zram0", false), ("xvda1", false),
    ])
    func wholeDisksOnly(name: String, isTold: Bool) {
        let text = "   8 0 \(name) 5 0 8 1 2 0 16 1 0 3 4 0 0 0 0 0 0\n"
        #expect(DiskDevice.parse(text).map(\.name) == (isTold ? [name] : []))
    }
}
