import Testing
import TocsinTestKit

struct AllocationTests {
    @Test("Steady encoding and decoding take no memory a sample; the canary that does is seen")
    func steadyLoops() async throws {
        let lines = try await ChildProcess.run(TocsinLab.builtBinaries() + "/codec-allocations")
        #expect(lines.contains { $0.hasPrefix("canary ") }, "\(lines)")
    }
}
