import ArgumentParser

/// How a command writes its answer.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// Aligned columns for people.
    case table
    /// Stable JSON for programs.
    case json
    /// The same as YAML.
    case yaml
}

/// What a command answers, in each format.
protocol Report: Sendable {
    /// The answer for programs.
    var value: OutputValue { get }
    /// The answer for people, each line ending in a newline.
    func table(_ context: RenderContext) -> String
}

extension Report {
    /// The answer in a format.
    func text(_ format: OutputFormat, _ context: RenderContext) -> String {
        switch format {
        case .table: table(context)
        case .json: value.json
        case .yaml: value.yaml
        }
    }
}
