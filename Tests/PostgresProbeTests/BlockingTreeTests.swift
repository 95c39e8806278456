import Testing

@testable import PostgresProbe

@Suite struct BlockingTreeTests {
    private func tree(_ pairs: [(Int, waitsFor: Int)]) -> BlockingTree {
        BlockingTree(pairs.map { BlockingTree.Wait(victim: $0.0, blocker: $0.waitsFor) })
    }

    @Test func nobodyWaits() {
        let tree = tree([])
        #expect(tree.roots.isEmpty && tree.victims == 0 && tree.depth == 0)
    }

    @Test func aLockRequestBehindALongTransactionMakesALevelOfItsOwn() {
        // 10 holds the table, 20 wants to alter it, everybody who came later queues behind 20.
        let tree = tree([(20, waitsFor: 10), (30, waitsFor: 20), (31, waitsFor: 20), (32, waitsFor: 20)])
        #expect(tree.roots == [BlockingTree.Root(pid: 10, victims: 4, depth: 2)])
        #expect(tree.victims == 4 && tree.depth == 2)
    }

    @Test func aVictimCountsAtEachOfItsRoots() {
        let tree = tree([(30, waitsFor: 10), (30, waitsFor: 20), (31, waitsFor: 20)])
        #expect(
            tree.roots == [
                BlockingTree.Root(pid: 20, victims: 2, depth: 1), BlockingTree.Root(pid: 10, victims: 1, depth: 1),
            ])
        #expect(tree.victims == 2)
    }

    @Test func aCircleHasOneRootAndEnds() {
        let circle = tree([(1, waitsFor: 2), (2, waitsFor: 3), (3, waitsFor: 1), (9, waitsFor: 3)])
        #expect(circle.roots == [BlockingTree.Root(pid: 1, victims: 3, depth: 2)])
        #expect(circle.victims == 4)
        #expect(tree([(7, waitsFor: 7)]).roots.isEmpty)
    }

    @Test func aPreparedTransactionIsARootWithoutASession() {
        #expect(tree([(5, waitsFor: 0)]).roots == [BlockingTree.Root(pid: 0, victims: 1, depth: 1)])
    }
}
