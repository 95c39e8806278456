/// Which module may know which.
struct LayerRules {
    let table: ModuleTable

    /// Modules that come with the toolchain and may be imported anywhere but in pure cores.
    static let standard: Set<String> = [
        "Foundation", "FoundationEssentials", "Synchronization", "Glibc", "Musl", "Dispatch", "RegexBuilder",
    ]

    /// What a pure core may import beside its declared modules: no clock, no file, no task is to be had from these.
    static let pureStandard: Set<String> = ["Synchronization"]

    /// Pure cores that need more, and why.
    static let pureExceptions: [String: Set<String>] = [
        // Logarithms and exponentials are functions of their argument; Swift has no others on Linux.
        "Detection": ["Glibc"]
    ]

    /// Libraries with one importer each.
    static let onlyImporters: [String: Set<String>] = [
        "CLibcurl": ["CurlHTTP"], "CLibpq": ["PostgresClient"], "CZlib": ["SampleCodec", "DetectorStore"],
        "CTimex": ["HostProbe"], "CMalloc": ["CoordinatorApp"],
        "CLibYAML": ["ConfigurationKit"], "Yams": ["DeployTests"],
    ]

    /// What the agent must not link: the coordinator's half of the product.
    static let neverInAgent: Set<String> = [
        "Signals", "Detection", "Incidents", "SampleStore", "IncidentStore", "DetectorStore", "SQLiteFile",
        "CellCodec", "CellStore",
        "CoordinatorSettings", "ClusterWatch", "TokenAccess", "QueryWire", "QueryRequests",
        "CoordinatorApp", "TocsinCLI",
    ]

    /// What the agent's program is made of.
    private var agentModules: Set<String> { table.closure(of: "AgentApp").union(["AgentApp", "tocsin-agent"]) }

    /// The table against the direction of the arrows.
    func tableViolations() -> [Violation] {
        table.modules.flatMap { module -> [Violation] in
            func violation(_ reason: String) -> Violation { Violation(path: "Package.swift", line: 1, reason: reason) }
            var found = module.uses.compactMap { name -> Violation? in
                guard let used = table[name] else {
                    return violation("\(module.name) uses \(name), which is not in the table")
                }
                return used.layer > module.layer
                    ? violation(
                        "\(module.name) (\(module.layer)) must not use \(name) (\(used.layer)), which is above it")
                    : nil
            }
            let closure = table.closure(of: module.name).compactMap { table[$0] }
            for used in closure where Self.isForbidden(module.path, using: used.path) {
                found.append(violation("\(module.name) in \(module.path) must not reach \(used.name) in \(used.path)"))
            }
            if module.path.hasPrefix("agent/") {
                found += closure.filter { Self.neverInAgent.contains($0.name) }
                    .map { violation("\(module.name) must not link \($0.name): it is the coordinator's") }
            }
            return found
        }
    }

    private static func isForbidden(_ path: String, using used: String) -> Bool {
        let isMain = path == "agent/Main" || path == "coordinator/Main"
        let home = path.prefix { $0 != "/" }
        switch used.prefix(while: { $0 != "/" }) {
        case "agent": return home != "agent" && home != "Tests" || (isMain && home != "agent")
        case "coordinator": return home != "coordinator" && home != "Tests"
        case "Tests": return home != "Tests"
        default: return false
        }
    }

    /// The imports of a file against the table.
    func violations(_ file: SwiftText) -> [Violation] {
        guard
            let module = table.modules.filter({ file.path.hasPrefix($0.path + "/") }).max(by: {
                $0.path.count < $1.path.count
            })
        else { return [] }
        return file.code.enumerated().compactMap { index, line in
            guard let name = Self.imported(line) else { return nil }
            if let importers = Self.onlyImporters[name], !importers.contains(module.name) {
                return file.violation(index, "only \(importers.sorted().joined(separator: ", ")) may import \(name)")
            }
            if name == "Foundation", agentModules.contains(module.name) {
                return file.violation(
                    index, "the agent links \(module.name): FoundationEssentials, or every node gets 40 MB more")
            }
            let declared = module.uses + module.products
            if declared.contains(name) || module.name == name { return nil }
            switch module.layer {
            case .model, .pureCores, .systemLibraries:
                let allowed = Self.pureStandard.union(Self.pureExceptions[module.name] ?? [])
                return allowed.contains(name)
                    ? nil : file.violation(index, "the pure core \(module.name) must not import \(name)")
            case .testTargets, .benchmarks, .support:
                if name == "Testing" { return nil }
                fallthrough
            default:
                return Self.standard.contains(name)
                    ? nil
                    : file.violation(index, "\(module.name) imports \(name) without declaring it in Package.swift")
            }
        }
    }

    /// The module that a line of code imports, nil for another line.
    static func imported(_ line: String) -> String? {
        let words = line.split { $0 == " " || $0 == "\t" }.drop { $0.hasPrefix("@") || accessWords.contains($0) }
        guard words.first == "import" else { return nil }
        let names = words.dropFirst().drop { kindWords.contains($0) }
        return names.first.map { String($0.prefix { $0 != "." }) }
    }

    private static let accessWords: Set<Substring> = ["package", "internal", "private", "fileprivate", "public"]
    private static let kindWords: Set<Substring> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
    ]
}
