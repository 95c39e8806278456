/// `/proc/net/dev`: what each network device counted.
struct NetworkDevice: Hashable, Sendable {
    var name: String
    var receivedBytes: Double
    var receiveErrors: Double
    var receiveDrops: Double
    var sentBytes: Double
    var sendErrors: Double
    var sendDrops: Double

    /// The devices that carry the node's own traffic, by name: loopback and the ends of pods' and containers' links
    /// are left out.
    static func parse(_ text: String) -> [NetworkDevice] {
        var devices: [NetworkDevice] = []
        for line in ProcText.lines(text) {
            // The name may touch its first figure: `eth0:123`.
            guard let colon = line.lastIndex(of: ":") else { continue }
            let name = line[..<colon].drop { $0 == " " }
            let figures = ProcText.words(line[line.index(after: colon)...]).compactMap { Double($0) }
            guard figures.count >= 12, !isVirtual(name) else { continue }
            devices.append(
                NetworkDevice(
                    name: String(name), receivedBytes: figures[0], receiveErrors: figures[2], receiveDrops: figures[3],
                    sentBytes: figures[8], sendErrors: figures[10], sendDrops: figures[11]))
        }
        return devices.sorted { $0.name < $1.name }
    }

    private static func isVirtual(_ name: Substring) -> Bool {
        name == "lo"
            || [
                "veth", "cali", "lxc", "cni", "ifb", "dummy", "docker", "br-", "virbr", "tap", "nodelocaldns",
                "kube-ipvs",
            ]
            .contains(where: name.hasPrefix)
    }
}
