/// Who waits for whom, as a forest: at each root a session that holds what others wait for and waits for nobody.
struct BlockingTree: Hashable, Sendable {
    /// A session at the head of a chain.
    struct Root: Hashable, Sendable {
        /// Process id; 0 for a prepared transaction.
        var pid: Int
        /// Sessions that wait for it, directly or behind others.
        var victims: Int
        /// Sessions in the longest chain behind it; 1 when all wait for it directly.
        var depth: Int
    }

    /// One wait.
    struct Wait: Hashable, Sendable {
        /// Who waits.
        var victim: Int
        /// Who is waited for.
        var blocker: Int
    }

    /// The roots, the one with most victims first.
    let roots: [Root]
    /// Sessions that wait.
    let victims: Int

    /// The longest chain; 0 when nobody waits.
    var depth: Int { roots.map(\.depth).max() ?? 0 }

    /// Builds the forest.
    ///
    /// Each victim counts at every root it waits for. Sessions in a circle, which the server breaks after
    /// `deadlock_timeout`, have no root of their own: the one with the least process id stands for it.
    init(_ waits: [Wait]) {
        var behind: [Int: Set<Int>] = [:]
        var victims: Set<Int> = []
        for wait in waits where wait.victim != wait.blocker {
            behind[wait.blocker, default: []].insert(wait.victim)
            victims.insert(wait.victim)
        }
        self.victims = victims.count
        var seen: Set<Int> = []
        var roots: [Root] = []
        func grow(from pid: Int) {
            let (reached, depth) = Self.reach(from: pid, behind)
            seen.formUnion(reached)
            seen.insert(pid)
            roots.append(Root(pid: pid, victims: reached.count, depth: depth))
        }
        for pid in behind.keys.sorted() where !victims.contains(pid) { grow(from: pid) }
        for pid in behind.keys.sorted() where !seen.contains(pid) { grow(from: pid) }
        self.roots = roots.sorted { ($1.victims, $0.pid) < ($0.victims, $1.pid) }
    }

    /// Everybody behind a session, level by level, and the number of levels.
    private static func reach(from pid: Int, _ behind: [Int: Set<Int>]) -> (Set<Int>, Int) {
        var reached: Set<Int> = []
        var level: Set<Int> = [pid]
        var depth = 0
        while true {
            var next: Set<Int> = []
            for blocker in level { next.formUnion(behind[blocker] ?? []) }
            next.subtract(reached)
            next.remove(pid)
            if next.isEmpty { return (reached, depth) }
            reached.formUnion(next)
            level = next
            depth += 1
        }
    }
}
