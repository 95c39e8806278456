import Foundation
import LabelledSeries

/// `tocsin-detect-score DIR OUT`: for each CSV file below DIR a file of the same name below OUT with a score a row.
@main struct DetectScore {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 2, let source = arguments.first, let target = arguments.last else {
            fail("usage: tocsin-detect-score DIR OUT", 2)
        }
        let (from, to) = (URL(fileURLWithPath: source), URL(fileURLWithPath: target))
        do {
            let paths = try SeriesTable.paths(in: from)
            guard !paths.isEmpty else { fail("\(source): no .csv files", 3) }
            for path in paths {
                let scores = SurpriseScores.ofTable(try SeriesTable(file: from.appendingPathComponent(path)))
                let file = to.appendingPathComponent(path)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                let text = scores.map { "\($0)\n" }.joined()
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
        } catch {
            fail("\(error)", 1)
        }
    }

    private static func fail(_ text: String, _ code: Int32) -> Never {
        FileHandle.standardError.write(Data((text + "\n").utf8))
        exit(code)
    }
}
