/// Rules on single lines and declarations.
enum TextRules {
    static let lineMax = 120
    /// Text in literals cannot always be broken: a line that holds some may be this long.
    static let lineWithTextMax = 150
    static let functionMax = 70
    static let fileMax = 500
    /// A YAML file that a test copies into the program: a text, not code.
    static let copiedText = "Sources/CoordinatorSettings/ShippedThresholds.swift"

    // MARK: Sizes

    static func sizes(_ file: SwiftText) -> [Violation] {
        let lineCount = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
        var found: [Violation] = []
        if lineCount > fileMax, file.path != copiedText {
            found.append(file.violation(fileMax, "the file has \(lineCount) lines, more than \(fileMax)"))
        }
        for (index, line) in file.lines.enumerated() where line.count > lineMax {
            let allowed = file.code[index].contains("\"") ? lineWithTextMax : lineMax
            guard line.count > allowed else { continue }
            found.append(file.violation(index, "the line has \(line.count) characters, more than \(allowed)"))
        }
        for function in FunctionFinder(file).functions where function.lines > functionMax {
            found.append(
                file.violation(function.start, "the function has \(function.lines) lines, more than \(functionMax)"))
        }
        return found
    }

    // MARK: Banned

    /// What no product code may hold; tests may `try!`.
    static func banned(_ file: SwiftText) -> [Violation] {
        let mayPrint = [
            "Sources/TocsinCLI/", "Sources/tocsin/", "agent/Main/", "coordinator/Main/", "Tests/Support/Demo/",
        ]
        .contains { file.path.hasPrefix($0) }
        return file.code.indices.flatMap { index -> [Violation] in
            let code = file.code[index]
            var found: [Violation] = []
            if code.contains("Task.detached") {
                found.append(file.violation(index, "Task.detached: nobody can cancel it"))
            }
            if code.contains("try!"), !file.path.hasPrefix("Tests/") { found.append(file.violation(index, "try!")) }
            if !mayPrint, calls("print", in: code) {
                found.append(file.violation(index, "print outside the command line"))
            }
            if code.contains("@unchecked Sendable"), !hasCommentAbove(file, index) {
                found.append(file.violation(index, "@unchecked Sendable without a comment that proves it"))
            }
            for word in ["TO" + "DO", "FIX" + "ME"] where file.lines[index].contains(word) {
                found.append(file.violation(index, word))
            }
            return found
        }
    }

    private static func calls(_ name: String, in code: String) -> Bool {
        code.ranges(of: name + "(").contains { range in
            guard range.lowerBound > code.startIndex else { return true }
            let before = code[code.index(before: range.lowerBound)]
            return !(before.isLetter || before.isNumber || before == "_" || before == "." || before == "`")
                && !code[..<range.lowerBound].hasSuffix("func ")
        }
    }

    private static func hasCommentAbove(_ file: SwiftText, _ index: Int) -> Bool {
        guard index > 0 else { return false }
        return file.lines[index - 1].drop { $0 == " " }.hasPrefix("//")
    }

    // MARK: Purity

    /// What a pure core must not do, since a replay could not repeat it.
    static let impure = [
        "Task {", "Task(", "Task.sleep", "Date()", "ContinuousClock", "SuspendingClock", "Clock.now", "(.now", " .now",
        "random",
        "Random()", "NumberGenerator()",
    ]

    static func purity(_ file: SwiftText) -> [Violation] {
        file.code.enumerated().flatMap { index, code in
            impure.filter { code.contains($0) }.map { file.violation(index, "a pure core must not hold '\($0)'") }
        }
    }

    // MARK: Documentation

    /// Witnesses of the standard library's and of the frameworks' protocols, whose meaning is the protocol's.
    static let witnesses = [
        "var description:", "var debugDescription:", "var rawValue:", "init(rawValue", "func hash(into",
        "static func ==",
        "static func <", "init(from decoder", "func encode(to encoder", "init(dictionaryLiteral", "init(arrayLiteral",
        "init(stringLiteral", "static let configuration = CommandConfiguration", "mutating func run()",
        "func run() async throws",
        "init() {}", "typealias ", "func makeIterator", "mutating func next", "var id:", "func close() async",
        "let target: Target", "func run(startedAt: Timestamp) async",
    ]

    static func documentation(_ file: SwiftText) -> [Violation] {
        file.code.enumerated().compactMap { index, code in
            let text = code.drop { $0 == " " }
            guard let declaration = packageDeclaration(text), !witnesses.contains(where: { declaration.hasPrefix($0) })
            else {
                return nil
            }
            var above = index - 1
            while above >= 0, isAttribute(file.code[above]) { above -= 1 }
            let isDocumented = above >= 0 && file.lines[above].drop { $0 == " " }.hasPrefix("///")
            return isDocumented ? nil : file.violation(index, "no doc comment: \(text.prefix(60))")
        }
    }

    /// What follows `package` in a declaration, attributes and other modifiers left out; nil for another line.
    private static func packageDeclaration(_ text: Substring) -> String? {
        var words = text.split(separator: " ")
        while let first = words.first, first.hasPrefix("@") { words.removeFirst() }
        guard words.first == "package", words.dropFirst().first != "import" else { return nil }
        words.removeFirst()
        let modifiers: Set<Substring> = [
            "final", "override", "nonisolated", "lazy", "weak", "convenience", "indirect", "private(set)",
            "internal(set)",
            "fileprivate(set)", "consuming", "borrowing", "required",
        ]
        while let first = words.first, modifiers.contains(first) { words.removeFirst() }
        guard let first = words.first, first != "extension" else { return nil }
        return words.joined(separator: " ")
    }

    private static func isAttribute(_ code: String) -> Bool { code.drop { $0 == " " }.hasPrefix("@") }

    // MARK: Any file

    /// Places of one machine that a file for everybody must not name.
    static let machinePlaces = [
        "/wo" + "rk/", "/tmp/" + "wt", "/ho" + "me/", "/ro" + "ot/", "/Us" + "ers/", "/opt/swift-" + "packages",
    ]
    /// Words in the names of package mirrors.
    static let mirrors = ["arti" + "factory", "jf" + "rog", "verd" + "accio", "nexus" + ".", "devpi" + "."]

    static func machinePlaces(path: String, text: String) -> [Violation] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
            let places =
                machinePlaces.filter { holdsPath(line, $0) } + mirrors.filter { line.lowercased().contains($0) }
            return places.map { Violation(path: path, line: index + 1, reason: "names a place of one machine: \($0)") }
        }
    }

    /// Whether a path starts in the line; `user/root/x` is none.
    private static func holdsPath(_ line: Substring, _ place: String) -> Bool {
        line.ranges(of: place).contains { range in
            guard range.lowerBound > line.startIndex else { return true }
            let before = line[line.index(before: range.lowerBound)]
            return !before.isLetter && !before.isNumber
        }
    }
}
