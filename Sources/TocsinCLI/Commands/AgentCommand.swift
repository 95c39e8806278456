import ArgumentParser
import QueryWire
import SwiftProtobuf
import TocsinProto

/// `tocsin agent`.
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "The agents of the fleet.", subcommands: [List.self, Show.self])

    struct List: CoordinatorCommand {
        static let configuration = CommandConfiguration(abstract: "All agents, the silent ones too.")

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let agents = try await call { client, options in
                try await client.listAgents(.init(), options: options).agents.map(AgentView.init)
            }
            answer(AgentListReport(agents: agents))
        }
    }

    struct Show: CoordinatorCommand {
        static let configuration = CommandConfiguration(abstract: "One agent and its targets.")

        @Argument(help: "The agent's node.")
        var node: String

        @Option(help: "The agent's cluster, when several have such a node.")
        var cluster: String?

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let node = node
            let (agents, targets) = try await call { client, options in
                let agents = try await client.listAgents(.init(), options: options).agents.map(AgentView.init)
                let targets = try await client.listTargets(.with { $0.node = node }, options: options).targets
                return (agents, targets.map(TargetView.init))
            }
            let named = agents.filter { $0.node == node && (cluster == nil || $0.cluster == cluster) }
            guard let agent = named.first else { throw CommandError(.notFound, "no agent on a node '\(node)'") }
            guard named.count == 1 else {
                let clusters = named.map(\.cluster).joined(separator: ", ")
                throw CommandError.usage(
                    "several clusters have a node '\(node)': name one of \(clusters) with --cluster")
            }
            answer(AgentReport(agent: agent, targets: targets.filter { $0.cluster == agent.cluster }))
        }
    }
}

/// `tocsin target`.
struct TargetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "target", abstract: "What is probed.", subcommands: [List.self])

    struct List: CoordinatorCommand {
        static let configuration = CommandConfiguration(abstract: "Who probes what, with the last result.")

        @Option(help: "Only the targets of this node's agent.")
        var node: String?

        @Flag(help: "Only targets whose last probe failed.")
        var failing = false

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let node = node ?? ""
            var targets = try await call { client, options in
                try await client.listTargets(.with { $0.node = node }, options: options).targets.map(TargetView.init)
            }
            if failing { targets.removeAll { $0.outcome == nil || $0.outcome == "success" } }
            answer(TargetListReport(targets: targets))
        }
    }
}
