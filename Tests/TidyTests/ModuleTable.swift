/// The module table of `Package.swift`, read from its text.
struct ModuleTable {
    /// Where a module stands.
    ///
    /// Arrows go from greater to lesser or equal layers.
    enum Layer: String, CaseIterable, Comparable {
        case model, pureCores, systemLibraries, adapters, apps, mains, support, benchmarks, testTargets

        /// System libraries are C alone, so that they stand below the cores that may use them.
        private var rank: Int {
            switch self {
            case .systemLibraries, .model: 0
            case .pureCores: 1
            case .adapters: 2
            case .apps: 3
            case .mains: 4
            case .support: 5
            case .benchmarks: 6
            case .testTargets: 7
            }
        }

        static func < (lhs: Layer, rhs: Layer) -> Bool { lhs.rank < rhs.rank }
    }

    struct Module {
        var name: String
        var layer: Layer
        var path: String
        var uses: [String]
        var products: [String]
    }

    let modules: [Module]

    init(modules: [Module]) {
        self.modules = modules
    }

    /// Reads each `let LAYER: [Module] = [ … ]` and the rows in it.
    init(parsing text: String) {
        var modules: [Module] = []
        let code = Array(text)
        for layer in Layer.allCases {
            guard let start = text.firstRange(of: "let \(layer.rawValue): [Module] = [") else { continue }
            let open = text.distance(from: text.startIndex, to: start.upperBound) - 1
            modules += Self.rows(Self.balanced(code, from: open), layer: layer)
        }
        self.modules = modules
    }

    subscript(name: String) -> Module? { modules.first { $0.name == name } }

    /// All modules that one needs, itself included.
    func closure(of name: String) -> Set<String> {
        var found: Set<String> = []
        var pending = [name]
        while let next = pending.popLast() {
            if found.insert(next).inserted { pending += self[next]?.uses ?? [] }
        }
        return found
    }

    // MARK: Reading

    private static func rows(_ body: [Character], layer: Layer) -> [Module] {
        var rows: [Module] = []
        var index = 0
        while index < body.count {
            guard body[index] == "(" else {
                index += 1
                continue
            }
            let inside = balanced(body, from: index)
            let word = String(body[..<index].reversed().prefix { $0.isLetter }.reversed())
            rows.append(row(word, arguments(inside), layer: layer))
            index += inside.count + 2
        }
        return rows
    }

    private static func row(_ word: String, _ arguments: [(label: String, value: String)], layer: Layer) -> Module {
        func value(_ label: String) -> String? { arguments.first { $0.label == label }?.value }
        let plain = arguments.filter { $0.label.isEmpty }.map(\.value)
        let name = literals(value("name") ?? plain.first ?? "").first ?? ""
        let folder = word == "tests" ? "Tests" : "Sources"
        return Module(
            name: name, layer: layer, path: value("path").flatMap { literals($0).first } ?? "\(folder)/\(name)",
            uses: literals(value("uses") ?? plain.dropFirst().first ?? ""), products: literals(value("products") ?? ""))
    }

    /// What stands between the bracket at `open` and its partner.
    private static func balanced(_ text: [Character], from open: Int) -> [Character] {
        var depth = 0
        var isString = false
        for index in open..<text.count {
            if text[index] == "\"" { isString.toggle() }
            guard !isString else { continue }
            if "([".contains(text[index]) { depth += 1 }
            if ")]".contains(text[index]) { depth -= 1 }
            if depth == 0 { return Array(text[(open + 1)..<index]) }
        }
        return Array(text[(open + 1)...])
    }

    private static func arguments(_ text: [Character]) -> [(label: String, value: String)] {
        var parts: [String] = [""]
        var depth = 0
        for character in text {
            if "([".contains(character) { depth += 1 }
            if ")]".contains(character) { depth -= 1 }
            if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        return parts.map { part in
            let trimmed = part.drop { $0.isWhitespace }
            let label = trimmed.prefix { $0.isLetter }
            guard !label.isEmpty, trimmed.dropFirst(label.count).hasPrefix(":") else { return ("", String(trimmed)) }
            return (String(label), String(trimmed.dropFirst(label.count + 1)))
        }
    }

    /// The string literals in a text.
    private static func literals(_ text: String) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }
            .map { String($0.element) }
    }
}
