import Testing

/// What the daemons export of themselves stands in the documentation, each with what it means.
@Suite struct OwnMetricsTests {
    /// The names in a file: string literals directly behind one of the given openings.
    private func names(in path: String, after openings: [String]) throws -> [String] {
        // Calls are broken over lines where they are long.
        let text = try #require(Repository.text(path)).filter { !$0.isWhitespace }
        return openings.flatMap { opening in
            text.ranges(of: opening).compactMap { range -> String? in
                let name = text[range.upperBound...].prefix { $0 != "\"" }
                return name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } ? String(name) : nil
            }
        }
    }

    @Test("the coordinator's are in docs/operations.md, and no others are")
    func coordinator() throws {
        let exported =
            try names(in: "coordinator/App/HealthService.swift", after: ["add(\""])
            + names(in: "coordinator/App/Listeners.swift", after: ["add(\""])
            + names(in: "coordinator/App/ClusterWatchService.swift", after: ["(\"kubernetes_"]).map {
                "kubernetes_" + $0
            }
        #expect(Set(exported).count >= 50, "\(exported)")
        let text = try #require(Repository.text("docs/operations.md"))
        let table = try #require(text.firstRange(of: "## Metrics of the coordinator"))
        let end = try #require(text[table.upperBound...].firstRange(of: "\n## "))
        let rows = text[table.upperBound..<end.lowerBound].split(separator: "\n").filter { $0.hasPrefix("| `") }
        let documented = rows.flatMap { row in
            row.dropFirst(2).prefix { $0 != "|" }.split(separator: "`").filter { $0.hasPrefix("_") }
                .map { $0.dropFirst().prefix { $0 != "{" } }
        }
        for name in exported { #expect(documented.contains { $0 == name }, "\(name) is not documented") }
        for name in documented { #expect(exported.contains { $0 == name }, "\(name) is not exported") }
    }

    @Test("the agent's are in docs/series.md")
    func agent() throws {
        let exported = try names(in: "agent/App/AgentFigures.swift", after: ["Figure(\""])
        #expect(exported.count >= 20)
        let text = try #require(Repository.text("docs/series.md"))
        for name in exported { #expect(text.contains("agent_\(name)`") || text.contains("_\(name)`"), "\(name)") }
    }
}
