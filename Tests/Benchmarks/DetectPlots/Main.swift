import Detection
import Foundation
import LabelledSeries
import Scenarios
import Signals
import Telemetry

/// `detect-plots OUT [--recordings DIR]`: plays recorded faults and scenarios to the shipped checks, and tells what the
/// learned one finds that no threshold does: a table on standard output, pictures in OUT.
@main struct DetectPlots {
    static func main() throws {
        var rest = CommandLine.arguments.dropFirst()
        guard let out = rest.popFirst() else {
            FileHandle.standardError.write(Data("usage: detect-plots OUT [--recordings DIR]\n".utf8))
            exit(2)
        }
        var recordings = URL(fileURLWithPath: "../shared/detect")
        if rest.popFirst() == "--recordings", let folder = rest.popFirst() {
            recordings = URL(fileURLWithPath: folder)
        }
        let report = FaultReport(folder: URL(fileURLWithPath: out))
        let petshop = recordings.appendingPathComponent("petshop/low_traffic")
        let quiet = try SeriesTable(file: petshop.appendingPathComponent("noissue.csv"))
        say("| recording | faults | by a threshold | by latency-unusual | by it alone | false, in series-weeks |")
        say("|---|---|---|---|---|---|")
        try report.tell("PetShop, latency", try FaultCase.petShop(petshop, quiet: quiet), picture: "detection-petshop")
        for (name, folder) in [("Online Boutique", "boutique"), ("Train Ticket", "trainticket")] {
            let cases = try FaultCase.nezha(recordings.appendingPathComponent("nezha/\(folder)"))
            let picture = folder == "boutique" ? "detection-nezha" : nil
            try report.tell("Nezha, \(name)", cases, picture: picture)
        }
        try ScenarioReport(folder: URL(fileURLWithPath: out)).tell(picture: "detection-scenario")
    }

    static func say(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }
}
