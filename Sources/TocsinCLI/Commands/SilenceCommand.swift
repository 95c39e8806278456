import ArgumentParser
import GRPCCore
import QueryWire
import SwiftProtobuf
import Telemetry
import TocsinProto

/// Which of the two sorts of silences a command is about.
protocol SilenceKind: Sendable {
    /// "silence" or "maintenance", as the coordinator knows it.
    static var name: String { get }
    /// What people call one.
    static var noun: String { get }
}

/// Somebody wants quiet.
enum QuietKind: SilenceKind {
    static var name: String { "silence" }
    static var noun: String { "silence" }
}

/// Work that was planned.
enum MaintenanceKind: SilenceKind {
    static var name: String { "maintenance" }
    static var noun: String { "maintenance window" }
}

/// `tocsin silence` and `tocsin maintenance`: they hide pages, never history.
struct SilenceCommand<Kind: SilenceKind>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Kind.name, abstract: "A time in which matching incidents page nobody; their history goes on.",
            subcommands: [AddSilence<Kind>.self, ListSilences<Kind>.self, ExpireSilence<Kind>.self])
    }
}

/// `add`.
struct AddSilence<Kind: SilenceKind>: CoordinatorCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "add", abstract: "Make a \(Kind.noun).",
            discussion: """
                A pattern is KEY=VALUE with a key of cluster, subject, group (globs), family, or level: the worst level \
                that is still silenced, such as level=P3. An incident must meet all of them.
                """)
    }

    @Option(help: ArgumentHelp("A pattern; may be repeated.", valueName: "key=value"))
    var match: [SilencePattern]

    @Option(name: .customLong("for"), help: ArgumentHelp("How long, from its start.", valueName: "duration"))
    var lasting: DurationArgument

    @Option(help: ArgumentHelp("From when: 2026-11-28T22:00:00Z, or +2h from now. Default: now.", valueName: "time"))
    var start: TimeArgument?

    @Option(help: "Why, for those who wonder that nobody was paged.")
    var reason: String

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if match.isEmpty { throw ValidationError("a \(Kind.noun) needs --match; subject=* matches everything") }
        if reason.allSatisfy(\.isWhitespace) { throw ValidationError("the reason is empty") }
    }

    func run() async throws {
        var matcher = SilenceView.Matcher()
        for pattern in match { pattern.apply(to: &matcher) }
        let author = try author()
        let request = Tocsin_V1_AddSilenceRequest.with {
            $0.kind = Kind.name
            $0.matcher = matcher.proto
            $0.author = author
            $0.reason = reason
            if let start { $0.startsAtMillis = start.time(now: Console.now()).millis }
            $0.durationMillis = UInt64(clamping: lasting.duration.wholeMilliseconds)
        }
        let silence = try await call { client, options in
            SilenceView(try await client.addSilence(request, options: options))
        }
        answer(SilenceReport(silence: silence))
    }
}

/// `list`.
struct ListSilences<Kind: SilenceKind>: CoordinatorCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "Each \(Kind.noun) that is in force or to come.")
    }

    @Flag(help: "Those that are over too, as far as they are remembered.")
    var all = false

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let all = all
        let silences = try await call { client, options in
            try await client.listSilences(
                .with {
                    $0.all = all
                    $0.kind = Kind.name
                }, options: options
            ).silences.map(SilenceView.init)
        }
        answer(SilenceListReport(silences: silences, noun: Kind.noun))
    }
}

/// `expire`.
struct ExpireSilence<Kind: SilenceKind>: CoordinatorCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "expire", abstract: "End a \(Kind.noun) now: what it hid may page.")
    }

    @Argument(help: "Which: SIL-3 or 3.")
    var id: String

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let (id, author) = (id, try author())
        let silence = try await call { client, options in
            SilenceView(
                try await client.expireSilence(
                    .with {
                        $0.id = id
                        $0.author = author
                    }, options: options))
        }
        answer(SilenceReport(silence: silence))
    }
}

/// One pattern of a silence: `subject=shop/*`.
struct SilencePattern: ExpressibleByArgument, Hashable, Sendable {
    /// What a pattern may be about.
    enum Key: String, CaseIterable, Sendable {
        case cluster, subject, group, family, level
    }

    var key: Key
    var value: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let key = Key(rawValue: parts[0]) else { return nil }
        self.key = key
        value = parts[1]
    }

    func apply(to matcher: inout SilenceView.Matcher) {
        switch key {
        case .cluster: matcher.cluster = value
        case .subject: matcher.subject = value
        case .group: matcher.checkGroup = value
        case .family: matcher.family = value
        case .level: matcher.severityAtMost = value.uppercased()
        }
    }
}
