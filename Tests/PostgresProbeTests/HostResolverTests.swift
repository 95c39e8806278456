import Foundation
import Synchronization
import Testing

@testable import PostgresClient

@Suite struct HostResolverTests {
    /// Lookups that hang until they are let go.
    final class Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)
        let entered: AsyncStream<String>
        private let enter: AsyncStream<String>.Continuation

        init() {
            (entered, enter) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(16))
        }

        func pass(_ name: String) {
            enter.yield(name)
            semaphore.wait()
        }

        func open(_ count: Int) {
            for _ in 0..<count { semaphore.signal() }
        }
    }

    static func answer(_ resolver: HostResolver, _ name: String, waiter: Int = 1) async -> HostResolver.Answer {
        await withCheckedContinuation { continuation in
            resolver.resolve(name, waiter: waiter) { continuation.resume(returning: $0) }
        }
    }

    @Test func oneHangingNameLeavesTheOthersAlone() async {
        let gate = Gate()
        let resolver = HostResolver { name in
            if name == "dead" { gate.pass(name) }
            return .success(["10.0.0.1"])
        }
        for waiter in 1...3 { resolver.resolve("dead", waiter: waiter) { _ in } }
        _ = await gate.entered.first { _ in true }
        #expect(await Self.answer(resolver, "alive", waiter: 9) == .success(["10.0.0.1"]))
        #expect(resolver.runningCount == 1)
        gate.open(1)
    }

    @Test func atMostTwoLookupsRunAndCancelledNamesAreNotLookedUp() async {
        let gate = Gate()
        let looked = Mutex<[String]>([])
        let resolver = HostResolver { name in
            looked.withLock { $0.append(name) }
            if name.hasPrefix("dead") { gate.pass(name) }
            return .failure(HostResolver.Reason(text: name))
        }
        resolver.resolve("dead1", waiter: 1) { _ in }
        resolver.resolve("dead2", waiter: 2) { _ in }
        var entered = gate.entered.makeAsyncIterator()
        _ = await entered.next()
        _ = await entered.next()
        resolver.resolve("late", waiter: 3) { _ in Issue.record("a cancelled waiter was called") }
        #expect(resolver.runningCount == 2)
        resolver.cancel("late", waiter: 3)
        gate.open(2)
        #expect(await Self.answer(resolver, "last") == .failure(HostResolver.Reason(text: "last")))
        #expect(!looked.withLock { $0.contains("late") })
    }

    @Test func tooManyNamesAreRefusedAtOnce() async {
        let gate = Gate()
        let resolver = HostResolver(threadsMax: 1, namesMax: 2) { name in
            gate.pass(name)
            return .success([name])
        }
        resolver.resolve("a", waiter: 1) { _ in }
        resolver.resolve("b", waiter: 2) { _ in }
        let third = await Self.answer(resolver, "c", waiter: 3)
        #expect(throws: HostResolver.Reason.self) { try third.get() }
        gate.open(2)
    }

    @Test func addressesNeedNoResolver() {
        #expect(HostResolver.isAddress("127.0.0.1"))
        #expect(HostResolver.isAddress("::1"))
        #expect(!HostResolver.isAddress("localhost"))
    }

    @Test func theSystemKnowsTheLoopback() throws {
        #expect(try HostResolver.systemLookUp("localhost").get().contains { $0 == "127.0.0.1" || $0 == "::1" })
    }
}
