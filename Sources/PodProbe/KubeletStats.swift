import KubernetesAPI
import Telemetry

/// The kubelet's answer to `GET /stats/summary`, as far as the probe needs it.
///
/// Only pods with a running container are in it.
struct KubeletStats: Decodable {
    var pods: [PodUsage]

    private enum CodingKeys: String, CodingKey { case pods }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard try !container.decodeNil(forKey: .pods) else {
            pods = []
            return
        }
        pods = try container.decode(LossyArray<PodUsage>.self, forKey: .pods).elements
    }
}

/// What one pod uses.
struct PodUsage: Decodable {
    struct Reference: Decodable {
        var uid: String
    }

    struct Network: Decodable {
        var time: String?
        var rxBytes: Double?
        var txBytes: Double?
    }

    var podRef: Reference
    var network: Network?
    var containers: [ContainerUsage]

    private enum CodingKeys: String, CodingKey { case podRef, network, containers }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        podRef = try container.decode(Reference.self, forKey: .podRef)
        network = container.lenient(Network.self, .network)
        containers = container.lenientArray(ContainerUsage.self, .containers)
    }
}

/// What one container uses.
struct ContainerUsage: Decodable {
    struct CPU: Decodable {
        var time: String?
        var usageCoreNanoSeconds: Double?
    }

    struct Memory: Decodable {
        var workingSetBytes: Double?
        var rssBytes: Double?
    }

    struct FileSystem: Decodable {
        var usedBytes: Double?
    }

    var name: String
    var cpu: CPU?
    var memory: Memory?
    var rootfs: FileSystem?
    var logs: FileSystem?

    private enum CodingKeys: String, CodingKey { case name, cpu, memory, rootfs, logs }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        cpu = container.lenient(CPU.self, .cpu)
        memory = container.lenient(Memory.self, .memory)
        rootfs = container.lenient(FileSystem.self, .rootfs)
        logs = container.lenient(FileSystem.self, .logs)
    }

    /// Root file system plus logs; nil when neither is known.
    var ephemeralBytes: Double? {
        guard rootfs?.usedBytes != nil || logs?.usedBytes != nil else { return nil }
        return (rootfs?.usedBytes ?? 0) + (logs?.usedBytes ?? 0)
    }
}
