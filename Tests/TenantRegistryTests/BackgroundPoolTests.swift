import RateLimiter
import TestTenants
import Testing

@testable import TenantRegistry

@Suite struct BackgroundPoolTests {
    private func reseller(_ number: UInt128) -> Payer { Payer(kind: .reseller, tenant: 1, member: number) }

    @Test("G6 a task that was let in runs, whoever of its tenant comes later: only one that can be refused gives way")
    func neverDropped() throws {
        var figures = BudgetFigures()
        figures[.filesNode] = 100
        figures[.filesTenant] = 3
        figures[.filesMember] = 3
        let pool = BackgroundPool(name: "test", threads: 1, places: Budgets(figures).files)
        let (gate, held) = (Gate(), Promise<Void>())
        defer {
            gate.open()
            pool.close()
        }
        // While this runs, nothing else does.
        let isHeld = pool.submit {
            held.succeed(())
            gate.wait()
        }
        try #require(isHeld)
        try held.value()
        let firm = (0..<2).map { _ in Promise<Void>() }
        let areIn = firm.map { promise in pool.submit(of: reseller(1)) { promise.succeed(()) } }
        try #require(areIn == [true, true])
        let (loose, late) = (Promise<String>(), Promise<String>())
        let isLooseIn = pool.submit(of: reseller(1), orElse: { loose.succeed("refused") }) { loose.succeed("run") }
        try #require(isLooseIn)
        // The place of the one that can be told so goes to another payer; the others keep theirs.
        let isLateIn = pool.submit(of: reseller(2), orElse: { late.succeed("refused") }) { late.succeed("run") }
        try #require(isLateIn)
        #expect(try loose.value() == "refused")
        let isThirdIn = pool.submit(of: reseller(3), orElse: {}) {}
        try #require(!isThirdIn)
        #expect(pool.waitingTasks == 3)
        gate.open()
        for promise in firm { try promise.value() }
        #expect(try late.value() == "run")
    }
}
