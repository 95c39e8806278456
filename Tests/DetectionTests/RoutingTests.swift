import Detection
import Signals
import Telemetry
import Testing

/// Points reach the detectors of their subject and signal whatever order they come in and however names are held.
@Suite struct RoutingTests {
    private func subject(_ path: String, _ cluster: String = "test", _ kind: Subject.Kind = .workload) -> Subject {
        Subject(cluster: cluster, kind: kind, path: path)
    }

    private func cell(_ subject: Subject, _ signal: SignalName, _ seconds: Double, _ value: Double) -> SignalPoint {
        var cell = point(signal, seconds, value)
        cell.subject = subject
        return cell
    }

    /// The same text in storage of its own.
    private func copy(_ text: String) -> String { String(decoding: Array(text.utf8), as: UTF8.self) }

    @Test func shortPathsOfTwoClustersAndKindsAreDifferentSubjects() {
        // So short that their bits are their text, and equal.
        let subjects = [subject("a/b", "x"), subject("a/b", "y"), subject("a/b", "x", .node), subject("a/c", "x")]
        var bank = DetectorBank(checks: [Checks.longQuery])
        for round in 1...3 {
            let points = subjects.map { cell($0, .longestQuerySeconds, Double(round) * 10, round == 2 ? 400 : 1) }
            let found = bank.process(points)
            #expect(found.map(\.subject) == (round == 1 ? [] : subjects))
        }
        #expect(bank.statistics.detectors == 4)
    }

    @Test func namesAreKnownInWhateverStorageTheyCome() {
        let path = "shop/Deployment/a-rather-long-name"
        let signal = "longest_query_seconds"
        var bank = DetectorBank(checks: [Checks.longQuery])
        let other = subject("shop/Deployment/another-long-name")
        for round in 1...4 {
            let seconds = Double(round) * 10
            let found = bank.process([
                cell(subject(copy(path)), SignalName(rawValue: copy(signal)), seconds, 400),
                cell(subject(copy(path)), SignalName(rawValue: copy("heap_live_ratio")), seconds, 1),
                cell(other, .longestQuerySeconds, seconds, 1),
            ])
            #expect(found.map(\.subject) == [subject(path)])
            #expect(found.map(\.phase) == [round == 1 ? .opened : .ongoing])
        }
        #expect(bank.statistics.detectors == 2)
    }

    @Test func anyOrderOfSubjectsAndSignalsFindsTheSame() {
        let subjects = (0..<6).map { subject("shop/Deployment/service-\($0)") }
        let signals: [SignalName] = [.oomKills, .longestQuerySeconds, .requestRate, .heapLiveRatio, .errorRatio]
        var strict = Checks.longQuery
        strict.enter = 30
        let stricter = [strict, Checks.oomKill]
        let last = subjects[5]
        var straight = DetectorBank { $0 == last ? stricter : Checks.all }
        var shuffled = DetectorBank { $0 == last ? stricter : Checks.all }
        var random = SeededNoise(11)
        for round in 1...40 {
            let points = subjects.flatMap { subject in
                signals.map { cell(subject, $0, Double(round) * 10, random.next() > 0.2 ? 0 : random.next() * 500) }
            }
            let mixed = points.map { ($0, random.next()) }.sorted { $0.1 < $1.1 }.map(\.0)
            func key(_ finding: Finding) -> String { "\(finding.subject) \(finding.check) \(finding.phase)" }
            #expect(straight.process(points).map(key).sorted() == shuffled.process(mixed).map(key).sorted())
        }
        #expect(straight.snapshot == shuffled.snapshot)
        #expect(straight.statistics.opened > 10)
    }

    @Test func aPlaceOfOneThatLeftIsTakenByAnother() {
        var bank = DetectorBank(configuration: .init(forgetAfter: .seconds(60)), checks: [Checks.longQuery])
        let (first, second, third) = (subject("n/D/first"), subject("n/D/second"), subject("n/D/third"))
        _ = bank.process([cell(first, .longestQuerySeconds, 10, 1), cell(second, .longestQuerySeconds, 10, 1)])
        _ = bank.process([cell(first, .longestQuerySeconds, 100, 1)])
        #expect(bank.advance(to: at(110)).isEmpty)
        #expect(bank.statistics.evicted == 1)
        let found = bank.process([
            cell(first, .longestQuerySeconds, 120, 1), cell(third, .longestQuerySeconds, 120, 400),
            cell(second, .longestQuerySeconds, 120, 400),
        ])
        #expect(found.map(\.subject) == [third, second])
    }

    @Test func aRestoredFindingKeepsWhetherItsContributorsWereThere() {
        var bank = DetectorBank(checks: [Checks.longQuery])
        _ = bank.process([cell(orders, .longestQuerySeconds, 10, 1)])
        let open = DetectorBank.OpenFinding(subject: orders, check: "long-query", onsetAt: at(-5000))
        #expect(bank.restore(open: [open], at: at(20)).isEmpty)
        #expect(bank.advance(to: at(700)).map(\.explanation).first?.hasPrefix("Gone") == true)
    }
}
