// swift-tools-version:6.2
import Foundation
import PackageDescription

// The module table. A row is one target: what it may use of ours (`uses`) and of others (`products`).
// Arrows go model <- pure cores <- adapters <- apps <- mains; Tests/TidyTests holds the layers and fails on any other
// import.

struct Module {
    enum Kind { case library, executable, test, systemLibrary(pkgConfig: String?, apt: [String]) }

    var name: String
    var kind: Kind
    var path: String
    var uses: [String] = []
    var products: [String] = []
    var resources: [Resource] = []
    var exclude: [String] = []
    var sources: [String]?
    var strict = true
}

func library(_ name: String, _ uses: [String] = [], products: [String] = [], path: String? = nil) -> Module {
    Module(name: name, kind: .library, path: path ?? "Sources/\(name)", uses: uses, products: products)
}

func tests(_ name: String, _ uses: [String], products: [String] = [], path: String? = nil) -> Module {
    Module(name: name, kind: .test, path: path ?? "Tests/\(name)", uses: uses, products: products)
}

func executable(_ name: String, _ uses: [String], products: [String] = [], path: String) -> Module {
    Module(name: name, kind: .executable, path: path, uses: uses, products: products)
}

/// Product name -> the package that has it.
let packageOfProduct: [String: String] = [
    "GRDB": "GRDB.swift",
    "Yams": "Yams",
    "Logging": "swift-log",
    "ServiceLifecycle": "swift-service-lifecycle",
    "UnixSignals": "swift-service-lifecycle",
    "DequeModule": "swift-collections",
    "X509": "swift-certificates",
    "Crypto": "swift-crypto",
    "CryptoExtras": "swift-crypto",
    "SwiftASN1": "swift-asn1",
    "SwiftProtobuf": "swift-protobuf",
    "GRPCCore": "grpc-swift-2",
    "GRPCProtobuf": "grpc-swift-protobuf",
    "GRPCNIOTransportHTTP2": "grpc-swift-nio-transport",
    "ArgumentParser": "swift-argument-parser",
    "NIOCore": "swift-nio",
    "NIOPosix": "swift-nio",
    "NIOHTTP1": "swift-nio",
    "NIOTLS": "swift-nio",
    "NIOHTTP2": "swift-nio-http2",
    "NIOSSL": "swift-nio-ssl",
    "NIOCertificateReloading": "swift-nio-extras",
    "Hummingbird": "hummingbird",
    "AsyncAlgorithms": "swift-async-algorithms",
    "Mustache": "swift-mustache",
    "SystemPackage": "swift-system",
]

let packages: [(name: String, dependency: Package.Dependency)] = [
    ("GRDB.swift", .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0")),
    ("Yams", .package(url: "https://github.com/jpsim/Yams", from: "6.2.2")),
    ("swift-log", .package(url: "https://github.com/apple/swift-log", from: "1.16.2")),
    (
        "swift-service-lifecycle",
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0")
    ),
    ("swift-collections", .package(url: "https://github.com/apple/swift-collections", from: "1.6.0")),
    ("swift-certificates", .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1")),
    ("swift-crypto", .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")),
    ("swift-asn1", .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4")),
    ("swift-protobuf", .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: [])),
    ("grpc-swift-2", .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3")),
    ("grpc-swift-protobuf", .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1")),
    ("grpc-swift-nio-transport", .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2")),
    ("swift-argument-parser", .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")),
    ("swift-nio", .package(url: "https://github.com/apple/swift-nio", from: "2.101.2")),
    ("swift-nio-extras", .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2")),
    ("swift-nio-http2", .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0")),
    ("swift-nio-ssl", .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6")),
    ("swift-async-algorithms", .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4")),
    ("swift-mustache", .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1")),
    ("swift-system", .package(url: "https://github.com/apple/swift-system", from: "1.8.1")),
    ("hummingbird", .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1")),
]

let model: [Module] = [
    library("Telemetry")
]

let pureCores: [Module] = [
    library("FlowControl"),
    library("SampleCodec", ["Telemetry", "CZlib"]),
    library("SampleLink", ["Telemetry", "FlowControl"]),
    library("TargetAssignment", ["FlowControl"]),
    library("Selectors", ["Telemetry"]),
    library("LogText", ["Telemetry", "Selectors"]),
    library("Probing", ["Telemetry", "FlowControl"]),
    library("Signals", ["Telemetry"]),
    library("Detection", ["Telemetry", "Signals"]),
    library("CellCodec", ["Telemetry", "SampleCodec", "Signals"]),
    library("Incidents", ["Telemetry", "Signals", "Detection"]),
    library("Runbook", ["Telemetry", "Signals", "Detection", "Incidents"]),
]

let systemLibraries: [Module] = [
    Module(name: "CLibpq", kind: .systemLibrary(pkgConfig: "libpq", apt: ["libpq-dev"]), path: "Sources/CLibpq"),
    Module(
        name: "CLibcurl", kind: .systemLibrary(pkgConfig: "libcurl", apt: ["libcurl4-openssl-dev"]),
        path: "Sources/CLibcurl"),
    Module(
        name: "CLibYAML", kind: .systemLibrary(pkgConfig: "yaml-0.1", apt: ["libyaml-dev"]), path: "Sources/CLibYAML"),
    Module(name: "CTimex", kind: .systemLibrary(pkgConfig: nil, apt: []), path: "Sources/CTimex"),
    Module(name: "CMalloc", kind: .systemLibrary(pkgConfig: nil, apt: []), path: "Sources/CMalloc"),
    Module(name: "CZlib", kind: .systemLibrary(pkgConfig: "zlib", apt: ["zlib1g-dev"]), path: "Sources/CZlib"),
]

let adapters: [Module] = [
    library("SegmentSpool", ["Telemetry", "SampleCodec"]),
    library("BlockingWork"),
    library("SQLiteFile", products: ["GRDB"]),
    library(
        "SampleStore", ["Telemetry", "SampleCodec", "SampleLink", "Selectors", "SQLiteFile"], products: ["GRDB"]),
    library("IncidentStore", ["Telemetry", "Detection", "Incidents", "Runbook", "SQLiteFile"], products: ["GRDB"]),
    library("DetectorStore", ["Telemetry", "Detection", "CZlib", "BlockingWork"]),
    library(
        "CellStore", ["Telemetry", "Detection", "SampleCodec", "CellCodec", "SQLiteFile", "BlockingWork"],
        products: ["GRDB"]),
    library("CurlHTTP", ["Telemetry", "Probing", "CLibcurl"]),
    library("Notification", ["Telemetry", "Probing", "CurlHTTP", "Incidents", "Runbook"]),
    library("Messages", ["Incidents", "Runbook"], products: ["Mustache"]),
    library("PostgresClient", ["Telemetry", "FlowControl", "CLibpq"]),
    library("PostgresProbe", ["Telemetry", "Probing", "PostgresClient"]),
    library("PrometheusProbe", ["Telemetry", "Probing"]),
    library("ActuatorProbe", ["Telemetry", "Probing", "PrometheusProbe"]),
    library("KubernetesAPI", ["Telemetry", "FlowControl", "Probing"], products: ["SystemPackage"]),
    library("PodProbe", ["Telemetry", "KubernetesAPI", "Probing"]),
    library("ClusterWatch", ["Telemetry", "FlowControl", "KubernetesAPI", "LogText", "Probing"]),
    library("HostProbe", ["Telemetry", "Probing", "CTimex", "BlockingWork"]),
    library("CheckProbe", ["Telemetry", "Probing"]),
    library("LogProbe", ["Telemetry", "Probing", "LogText", "BlockingWork"]),
    library("ConfigurationKit", ["CLibYAML"]),
    library("DaemonLaunch", products: ["ArgumentParser", "Logging", "SystemPackage"]),
    library("TargetSettings", ["Telemetry", "ConfigurationKit"]),
    library("AgentSettings", ["Telemetry", "Selectors", "LogText", "ConfigurationKit", "TargetSettings"]),
    library(
        "CoordinatorSettings",
        [
            "Telemetry", "Signals", "Detection", "Incidents", "Runbook", "Messages", "ConfigurationKit",
            "TargetSettings",
        ]),
    library("CertificateAuthority", products: ["X509", "Crypto", "SwiftASN1"]),
    library("TokenAccess", ["Telemetry", "CertificateAuthority", "KubernetesAPI"], products: ["Crypto"]),
    library("IngestWire", ["Telemetry", "SampleLink", "TocsinProto"], products: ["SwiftProtobuf", "GRPCCore"]),
    library("QueryWire", ["Telemetry", "TocsinProto"], products: ["SwiftProtobuf", "GRPCCore"]),
    library("QueryRequests", ["Telemetry", "Detection", "Incidents", "QueryWire", "TocsinProto"]),
    Module(
        name: "TocsinProto", kind: .library, path: "proto",
        products: ["SwiftProtobuf", "GRPCCore", "GRPCProtobuf"],
        exclude: ["tocsin", "generate.sh", "SAMPLE_BLOCK.md", "Generated/INPUTS.sha256"], sources: ["Generated"],
        strict: false),
]

let apps: [Module] = [
    library(
        "TocsinCLI",
        [
            "Telemetry", "Selectors", "QueryWire", "TocsinProto", "CertificateAuthority", "AgentSettings",
            "CoordinatorSettings", "ConfigurationKit", "Runbook",
        ],
        products: ["ArgumentParser", "GRPCCore", "GRPCNIOTransportHTTP2", "SwiftProtobuf"]),
    library(
        "AgentApp",
        [
            "Telemetry", "FlowControl", "SampleCodec", "SampleLink", "SegmentSpool", "Probing", "CurlHTTP",
            "PostgresClient", "PostgresProbe", "PrometheusProbe", "ActuatorProbe", "KubernetesAPI", "PodProbe",
            "HostProbe",
            "CheckProbe", "LogProbe", "LogText", "Selectors", "BlockingWork",
            "AgentSettings", "TargetSettings", "TargetAssignment", "ConfigurationKit", "DaemonLaunch", "IngestWire",
            "TocsinProto",
        ],
        products: [
            "ArgumentParser", "GRPCCore", "GRPCNIOTransportHTTP2", "SwiftProtobuf", "ServiceLifecycle", "UnixSignals",
            "Logging", "SystemPackage", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOSSL", "DequeModule",
        ],
        path: "agent/App"),
    library(
        "CoordinatorApp",
        [
            "Telemetry", "FlowControl", "SampleCodec", "SampleLink", "SQLiteFile", "Selectors", "SampleStore",
            "IncidentStore", "DetectorStore", "CellCodec", "CellStore", "Signals", "Detection", "Incidents", "Runbook",
            "Messages", "Notification", "Probing", "CurlHTTP", "KubernetesAPI", "ClusterWatch", "TokenAccess",
            "CoordinatorSettings", "TargetSettings", "TargetAssignment", "ConfigurationKit", "CertificateAuthority",
            "DaemonLaunch", "IngestWire", "QueryWire", "QueryRequests", "TocsinProto", "BlockingWork", "CMalloc",
        ],
        products: [
            "ArgumentParser", "AsyncAlgorithms", "GRPCCore", "GRPCNIOTransportHTTP2", "SwiftProtobuf",
            "ServiceLifecycle", "UnixSignals", "Logging", "Hummingbird", "NIOCertificateReloading", "NIOCore",
            "NIOHTTP2", "NIOPosix", "NIOSSL", "NIOTLS",
        ],
        path: "coordinator/App"),
]

let mains: [Module] = [
    executable("tocsin", ["TocsinCLI"], path: "Sources/tocsin"),
    executable("tocsin-agent", ["AgentApp"], products: ["ArgumentParser"], path: "agent/Main"),
    executable("tocsin-coordinator", ["CoordinatorApp"], products: ["ArgumentParser"], path: "coordinator/Main"),
]

// Real parts for tests and for the demo: a PostgreSQL cluster, a JVM service, a kubelet that replays captures.
let support: [Module] = [
    // C: counts what the allocator is asked for, in the programs that link it.
    library("AllocationCounter", path: "Tests/Support/AllocationCounter"),
    library("TocsinTestKit", ["Telemetry"], path: "Tests/Support/TestKit"),
    library(
        "KubeletReplay", ["Telemetry"],
        products: ["Crypto", "CryptoExtras", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOSSL"],
        path: "Tests/Support/KubeletReplay"),
    executable(
        "tocsin-demo", ["Telemetry", "Probing", "CurlHTTP", "TocsinTestKit", "KubeletReplay"],
        path: "Tests/Support/Demo"),
]

// Generated incidents with their truth, and the benchmark that plays them.
let benchmarks: [Module] = [
    library("Scenarios", ["Telemetry", "Signals", "Detection"], path: "Tests/Scenarios"),
    library("LabelledSeries", ["Telemetry", "Detection"], path: "Tests/Benchmarks/LabelledSeries"),
    executable(
        "detect-bench", ["Scenarios", "LabelledSeries", "Detection", "Telemetry"], path: "Tests/Benchmarks/DetectBench"),
    executable(
        "detect-plots", ["Scenarios", "LabelledSeries", "Detection", "Signals", "Telemetry"],
        path: "Tests/Benchmarks/DetectPlots"),
    executable("tocsin-detect-score", ["LabelledSeries"], path: "Tests/Benchmarks/DetectScore"),
    executable(
        "incident-bench", ["Incidents", "Detection", "Signals", "Telemetry"], path: "Tests/Benchmarks/IncidentBench"),
    executable(
        "log-bench", ["BenchSupport", "LogProbe", "LogText", "Probing", "Telemetry"], path: "Tests/Benchmarks/LogBench"),
    library("BenchSupport", ["Telemetry"], path: "Tests/Benchmarks/BenchSupport"),
    executable(
        "store-bench", ["BenchSupport", "SampleStore", "SampleCodec", "Selectors", "Telemetry"],
        path: "Tests/Benchmarks/StoreBench"),
    executable(
        "replay-bench",
        ["BenchSupport", "CellStore", "CellCodec", "Scenarios", "Detection", "Signals", "Telemetry"],
        path: "Tests/Benchmarks/ReplayBench"),
    executable("codec-bench", ["BenchSupport", "SampleCodec", "Telemetry"], path: "Tests/Benchmarks/CodecBench"),
    executable(
        "codec-allocations", ["AllocationCounter", "BenchSupport", "SampleCodec", "Telemetry"],
        path: "Tests/Benchmarks/CodecAllocations"),
    executable(
        "wire-bench", ["BenchSupport", "AgentApp", "Telemetry", "TocsinTestKit"],
        products: ["Logging", "NIOCore", "NIOPosix"], path: "Tests/Benchmarks/WireBench"),
]

let testTargets: [Module] = [
    tests("TelemetryTests", ["Telemetry"]),
    tests("FlowControlTests", ["FlowControl", "TocsinTestKit"]),
    tests("SampleCodecTests", ["SampleCodec", "Telemetry", "TocsinTestKit"]),
    tests("SampleLinkTests", ["SampleLink", "Telemetry", "FlowControl", "TocsinTestKit"]),
    tests("TargetAssignmentTests", ["TargetAssignment", "FlowControl", "TocsinTestKit"]),
    tests("SegmentSpoolTests", ["SegmentSpool", "SampleCodec", "Telemetry", "TocsinTestKit"]),
    tests("ProbingTests", ["Probing", "Telemetry", "TocsinTestKit"]),
    tests("SignalsTests", ["Signals", "Telemetry", "TocsinTestKit"]),
    tests("DetectionTests", ["Detection", "Signals", "Telemetry", "TocsinTestKit"]),
    tests("LabelledSeriesTests", ["LabelledSeries", "Detection", "Telemetry"]),
    tests("ScenarioTests", ["Scenarios", "Detection", "Signals", "Telemetry"]),
    tests("IncidentsTests", ["Incidents", "Detection", "Signals", "Telemetry", "TocsinTestKit"]),
    tests("RunbookTests", ["Runbook", "Incidents", "Detection", "Signals", "Telemetry", "TocsinTestKit"]),
    tests(
        "RunbookScenarioTests",
        [
            "CoordinatorSettings", "Messages", "Runbook", "Incidents", "Detection", "Signals", "Telemetry",
            "TocsinTestKit",
        ]),
    tests("SimulationTests", ["Runbook", "Incidents", "Detection", "Signals", "Telemetry", "TocsinTestKit"]),
    tests(
        "SampleStoreTests",
        ["SampleStore", "SampleCodec", "SampleLink", "Selectors", "SQLiteFile", "Telemetry", "TocsinTestKit"],
        products: ["GRDB"]),
    tests("SelectorsTests", ["Selectors", "Telemetry", "TocsinTestKit"]),
    tests(
        "IncidentStoreTests",
        ["IncidentStore", "SQLiteFile", "Incidents", "Runbook", "Detection", "Signals", "Telemetry"],
        products: ["GRDB"]),
    tests("CellCodecTests", ["CellCodec", "SampleCodec", "Detection", "Scenarios", "Signals", "Telemetry"]),
    tests(
        "CellStoreTests",
        [
            "CellStore", "CellCodec", "SQLiteFile", "Detection", "Scenarios", "Signals",
            "Telemetry",
        ],
        products: ["GRDB"]),
    tests("DetectorStoreTests", ["DetectorStore", "Detection", "Signals", "Telemetry"]),
    tests("CurlHTTPTests", ["CurlHTTP", "Probing", "Telemetry", "TocsinTestKit"]),
    tests(
        "NotificationTests",
        [
            "Notification", "Runbook", "Incidents", "Detection", "Signals", "CurlHTTP", "Probing", "Telemetry",
            "TocsinTestKit",
        ]),
    tests(
        "MessagesTests",
        ["Messages", "Runbook", "Incidents", "Detection", "Signals", "Telemetry", "TocsinTestKit"]),
    tests("PrometheusProbeTests", ["PrometheusProbe", "CurlHTTP", "Probing", "Telemetry", "TocsinTestKit"]),
    tests(
        "ActuatorProbeTests",
        ["ActuatorProbe", "PrometheusProbe", "CurlHTTP", "Probing", "Telemetry", "TocsinTestKit"]),
    tests("PostgresProbeTests", ["PostgresProbe", "PostgresClient", "Probing", "Telemetry", "TocsinTestKit"]),
    tests("KubernetesAPITests", ["KubernetesAPI", "Telemetry"], products: ["SystemPackage"]),
    tests(
        "TokenAccessTests",
        [
            "TokenAccess", "CertificateAuthority", "KubernetesAPI", "CurlHTTP", "Probing", "Telemetry", "TocsinTestKit",
            "KubeletReplay",
        ]),
    tests(
        "ClusterWatchTests",
        [
            "ClusterWatch", "FlowControl", "KubernetesAPI", "CurlHTTP", "Probing", "Telemetry", "TocsinTestKit",
            "KubeletReplay",
        ]),
    tests("PodProbeTests", ["PodProbe", "CurlHTTP", "Probing", "Telemetry", "TocsinTestKit", "KubeletReplay"]),
    tests("HostProbeTests", ["HostProbe", "Probing", "Telemetry"]),
    tests("CheckProbeTests", ["CheckProbe", "CurlHTTP", "Probing", "Telemetry", "TocsinTestKit"]),
    tests("LogTextTests", ["LogText", "Selectors", "Telemetry", "TocsinTestKit"]),
    tests("LogProbeTests", ["LogProbe", "LogText", "Probing", "Selectors", "Telemetry"]),
    tests("ConfigurationKitTests", ["ConfigurationKit"]),
    tests(
        "SettingsTests",
        [
            "AgentSettings", "CoordinatorSettings", "TargetSettings", "ConfigurationKit", "LogText", "Signals",
            "Detection", "Incidents", "Runbook", "Telemetry", "Scenarios",
        ]),
    tests("CertificateAuthorityTests", ["CertificateAuthority"], products: ["X509", "Crypto", "SwiftASN1"]),
    tests(
        "WireTests", ["IngestWire", "QueryWire", "SampleLink", "TocsinProto", "Telemetry", "Incidents", "Detection"],
        products: ["GRPCCore", "SwiftProtobuf"]),
    tests(
        "TocsinCLITests", ["TocsinCLI", "tocsin", "QueryWire", "TocsinProto", "CertificateAuthority", "Telemetry"],
        products: ["ArgumentParser", "GRPCCore", "GRPCNIOTransportHTTP2", "SwiftProtobuf", "NIOCore", "NIOSSL"]),
    tests(
        "CoordinatorAppTests",
        [
            "CertificateAuthority", "CellCodec", "CellStore", "CoordinatorApp", "CoordinatorSettings",
            "ConfigurationKit", "SampleStore", "IncidentStore", "SampleCodec", "IngestWire", "QueryWire", "Runbook",
            "Incidents", "Detection", "Signals", "Notification", "Telemetry", "TocsinProto", "TocsinTestKit",
        ], products: ["Logging", "SwiftProtobuf"]),
    tests(
        "LinkTests",
        [
            "AgentApp", "SampleCodec", "SegmentSpool", "IngestWire", "KubeletReplay", "TocsinProto", "Telemetry",
            "TocsinTestKit",
        ],
        products: [
            "GRPCCore", "GRPCNIOTransportHTTP2", "Logging", "NIOCore", "NIOPosix", "NIOSSL", "SwiftProtobuf",
        ]),
    tests("BlackBoxTests", ["TocsinTestKit", "KubeletReplay"]),
    tests("DeployTests", [], products: ["Yams"]),
    tests("TidyTests", []),
]

// Harnesses of the fuzzer, one for each parser of foreign bytes. Tests/Fuzz/run.sh builds them, and nothing else does:
// each defines the fuzzer's entry, so that only one may be in a program.
let fuzzers: [Module] = [
    library("FuzzSupport", ["Probing"], path: "Tests/Fuzz/FuzzSupport"),
    library("SampleBlockChainFuzz", ["SampleCodec", "Telemetry"], path: "Tests/Fuzz/SampleBlockChainFuzz"),
    library("CellFuzz", ["CellCodec", "SampleCodec"], path: "Tests/Fuzz/CellFuzz"),
    library("KubeletFuzz", ["FuzzSupport", "PodProbe", "Probing", "Telemetry"], path: "Tests/Fuzz/KubeletFuzz"),
    library(
        "ClusterFuzz", ["FuzzSupport", "ClusterWatch", "KubernetesAPI", "Telemetry"], path: "Tests/Fuzz/ClusterFuzz"),
    library(
        "ActuatorFuzz", ["FuzzSupport", "ActuatorProbe", "Probing", "Telemetry"], path: "Tests/Fuzz/ActuatorFuzz"),
    library(
        "AuditEventsFuzz", ["FuzzSupport", "ActuatorProbe", "Probing", "Telemetry"], path: "Tests/Fuzz/AuditEventsFuzz"),
    library("PrometheusFuzz", ["FuzzSupport", "PrometheusProbe", "Telemetry"], path: "Tests/Fuzz/PrometheusFuzz"),
    library("LogFuzz", ["FuzzSupport", "LogText", "Telemetry"], path: "Tests/Fuzz/LogFuzz"),
    library("DockerLogFuzz", ["FuzzSupport", "LogText", "Telemetry"], path: "Tests/Fuzz/DockerLogFuzz"),
    library("LoginFuzz", ["FuzzSupport", "LogText"], path: "Tests/Fuzz/LoginFuzz"),
    library("SelectorFuzz", ["FuzzSupport", "Selectors", "Telemetry"], path: "Tests/Fuzz/SelectorFuzz"),
    library("TokenClaimsFuzz", ["FuzzSupport", "TokenAccess", "Telemetry"], path: "Tests/Fuzz/TokenClaimsFuzz"),
    library(
        "TokenReviewFuzz",
        ["FuzzSupport", "TokenAccess", "CertificateAuthority", "KubernetesAPI", "Probing", "Telemetry"],
        path: "Tests/Fuzz/TokenReviewFuzz"),
    library(
        "ConfigurationFuzz", ["FuzzSupport", "AgentSettings", "CoordinatorSettings", "ConfigurationKit"],
        path: "Tests/Fuzz/ConfigurationFuzz"),
    library(
        "WireFuzz",
        [
            "FuzzSupport", "IngestWire", "QueryWire", "QueryRequests", "Incidents", "Selectors", "Telemetry",
            "TocsinProto",
        ],
        products: ["SwiftProtobuf"],
        path: "Tests/Fuzz/WireFuzz"),
    library(
        "Fuzzers",
        [
            "SampleBlockChainFuzz", "CellFuzz", "KubeletFuzz", "ClusterFuzz", "ActuatorFuzz", "AuditEventsFuzz",
            "PrometheusFuzz", "LogFuzz", "DockerLogFuzz", "LoginFuzz", "SelectorFuzz", "TokenClaimsFuzz",
            "TokenReviewFuzz",
            "ConfigurationFuzz", "WireFuzz",
        ], path: "Tests/Fuzz/Fuzzers"),
]

// TOCSIN_ONLY="SampleCodecTests,SegmentSpool" declares just those targets and what they need, for quick rebuilds;
// TOCSIN_ONLY=cores declares all that needs no gRPC (what the thread sanitizer and the fuzzers run on).
let everything = model + pureCores + systemLibraries + adapters + apps + mains + support + benchmarks + testTargets
let only = ProcessInfo.processInfo.environment["TOCSIN_ONLY"] ?? ""

func closure(of names: [String], in modules: [Module]) -> [Module] {
    let byName = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0) })
    var wanted: Set<String> = []
    var pending = names
    while let name = pending.popLast() {
        guard let module = byName[name], wanted.insert(name).inserted else { continue }
        pending += module.uses
    }
    return modules.filter { wanted.contains($0.name) }
}

func needsGRPC(_ module: Module) -> Bool {
    closure(of: [module.name], in: everything).contains { $0.products.contains("GRPCCore") }
}

let declared: [Module] =
    switch only {
    case "": everything
    case "cores": everything.filter { !needsGRPC($0) }
    default: closure(of: only.split(separator: ",").map(String.init), in: everything + fuzzers)
    }

let strictSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

func target(_ module: Module) -> Target {
    let dependencies: [Target.Dependency] =
        module.uses.map { .byName(name: $0) }
        + module.products.compactMap { product in packageOfProduct[product].map { .product(name: product, package: $0) }
        }
    let settings = module.strict ? strictSettings : [.swiftLanguageMode(.v6)]
    switch module.kind {
    case .library:
        let corpus = module.path.hasPrefix("Tests/Fuzz/") && module.name.hasSuffix("Fuzz") ? ["corpus"] : []
        return .target(
            name: module.name, dependencies: dependencies, path: module.path, exclude: module.exclude + corpus,
            sources: module.sources, resources: module.resources, swiftSettings: settings)
    case .executable:
        return .executableTarget(
            name: module.name, dependencies: dependencies, path: module.path, swiftSettings: settings)
    case .test:
        return .testTarget(name: module.name, dependencies: dependencies, path: module.path, swiftSettings: settings)
    case .systemLibrary(let pkgConfig, let apt):
        return .systemLibrary(name: module.name, path: module.path, pkgConfig: pkgConfig, providers: [.apt(apt)])
    }
}

let usedPackages = Set(declared.flatMap(\.products).compactMap { packageOfProduct[$0] })

let package = Package(
    name: "tocsin",
    platforms: [.macOS(.v15)],
    products: declared.compactMap { module in
        guard case .executable = module.kind else { return nil }
        return .executable(name: module.name, targets: [module.name])
    },
    dependencies: packages.filter { usedPackages.contains($0.name) }.map(\.dependency),
    targets: declared.map(target)
)
