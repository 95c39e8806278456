import TargetAssignment
import Testing

struct LeaseHolderTests {
    private let orders = LeaseHolder.Holding(
        grant: TargetGrant(target: "postgresql/orders", role: .owner), definition: "{name: orders}")

    /// Takes an answer with a lease of ten seconds and says whether what is held changed.
    private func grant(_ holdings: [LeaseHolder.Holding], _ answered: Int, now: Int, to holder: inout LeaseHolder)
        -> Bool
    {
        holder.granted(holdings, answered: .seconds(answered), lease: .seconds(10), now: .seconds(now))
    }

    @Test func aLeaseRunsFromTheSignThatItAnswers() {
        var holder = LeaseHolder()
        let isGranted = grant([orders], 5, now: 8, to: &holder)
        #expect(isGranted)
        #expect(holder.grants == [orders.grant])
        #expect(holder.expiresAt == .seconds(15))
        let ends = [14_999, 15_000, 16_000].map { holder.expire(now: .milliseconds($0)) }
        #expect(ends == [false, true, false])
        #expect(holder.grants.isEmpty)
    }

    @Test func anAnswerThatWasTooLongUnderWayGrantsNothing() {
        var holder = LeaseHolder()
        let isGranted = grant([orders], 5, now: 15, to: &holder)
        #expect(!isGranted)
        #expect(holder.holdings.isEmpty)
    }

    @Test func anOlderAnswerDoesNotUndoANewerOne() {
        var holder = LeaseHolder()
        let changes = [
            grant([], 6, now: 7, to: &holder), grant([orders], 5, now: 7, to: &holder),
            // A time from the future is none that we said.
            grant([orders], 60, now: 7, to: &holder),
        ]
        #expect(changes == [false, false, false])
        #expect(holder.holdings.isEmpty)
    }

    @Test func renewalKeepsWhatIsHeld() {
        var holder = LeaseHolder()
        let changes = [grant([orders], 1, now: 1, to: &holder), grant([orders], 6, now: 6, to: &holder)]
        #expect(changes == [true, false])
        #expect(holder.expiresAt == .seconds(16))
        let isChanged = grant([], 11, now: 11, to: &holder)
        #expect(isChanged)
        #expect(holder.expiresAt == nil)
    }
}
