import RateLimiter
import Testing

@Suite struct PasswordMeterTests {
    private let second: UInt64 = 1_000_000_000
    private let meters = Budgets().passwords

    private func guess(_ account: UInt128, from address: UInt128, isKnown: Bool = false) -> PasswordMeters.Guess {
        PasswordMeters.Guess(
            account: AddressKey(owner: 1, subject: account), place: AddressKey(owner: 1, subject: address),
            accountAtPlace: AddressKey(owner: account, subject: address), isKnownPlace: isKnown)
    }

    /// Seconds to wait; nil where the attempt was judged.
    private func attempt(
        _ guess: PasswordMeters.Guess, _ outcome: PasswordMeters.Outcome = .wrong, at now: UInt64
    ) -> Int? {
        switch meters.begin(guess, now: now) {
        case .wait(let seconds): return seconds
        case .go(let attempt):
            meters.end(attempt, outcome, now: now)
            return nil
        }
    }

    @Test("G6 ten wrong passwords of an address at an account are free; then each waits twice as long, 15 min at most")
    func doubling() {
        let guess = guess(1, from: 1)
        var now = second
        for _ in 0..<10 { #expect(attempt(guess, at: now) == nil) }
        var waits: [Int] = []
        for _ in 0..<12 {
            guard let wait = attempt(guess, at: now) else { break }
            waits.append(wait)
            now += UInt64(wait) * second
            // So that the address's own meter is not what refuses.
            now += 60 * second
            #expect(attempt(guess, at: now) == nil)
        }
        #expect(waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
    }

    @Test("G6 a right password ends the wait of its address, and costs nothing")
    func right() {
        let guess = guess(1, from: 1)
        for _ in 0..<500 { #expect(attempt(guess, .right, at: second) == nil) }
        for _ in 0..<9 { #expect(attempt(guess, at: second) == nil) }
        #expect(attempt(guess, .right, at: second) == nil)
        for _ in 0..<10 { #expect(attempt(guess, at: second) == nil) }
        #expect(attempt(guess, at: second) == 1)
    }

    @Test("G6 attempts under way count as wrong until they are judged; one that is not judged counts for nothing")
    func underWay() {
        let guess = guess(1, from: 1)
        var begun: [PasswordMeters.Attempt] = []
        for _ in 0..<20 {
            if case .go(let attempt) = meters.begin(guess, now: second) { begun.append(attempt) }
        }
        #expect(begun.count == 10)
        for attempt in begun { meters.end(attempt, .unjudged, now: second) }
        for _ in 0..<10 { #expect(attempt(guess, at: second) == nil) }
        // Past the free ones they come one by one.
        let later = 10 * second
        guard case .go = meters.begin(guess, now: later) else { return #expect(Bool(false)) }
        #expect(attempt(guess, at: later) == 1)
    }

    @Test("G6 an address has sixty wrong passwords in fifteen minutes at a tenant, whatever the accounts")
    func address() {
        for account in 0..<60 { #expect(attempt(guess(UInt128(account), from: 1), at: second) == nil) }
        #expect(attempt(guess(60, from: 1), at: second) != nil)
        #expect(attempt(guess(60, from: 2), at: second) == nil)
    }

    @Test("G6 whoever waits as long as is said is judged, where the address has used up its meter too")
    func bothEmpty() throws {
        for _ in 0..<10 { #expect(attempt(guess(0, from: 1), at: second) == nil) }
        for account in 1...50 { #expect(attempt(guess(UInt128(account), from: 1), at: second) == nil) }
        let wait = try #require(attempt(guess(0, from: 1), at: second))
        #expect(wait == 15)
        #expect(attempt(guess(0, from: 1), at: second + UInt64(wait) * second) == nil)
    }

    @Test("G6 past a hundred wrong passwords an hour an account is asked from known places alone")
    func account() {
        for address in 0..<100 { #expect(attempt(guess(1, from: UInt128(address)), at: second) == nil) }
        #expect(attempt(guess(1, from: 100), at: second) != nil)
        #expect(attempt(guess(1, from: 101, isKnown: true), .right, at: second) == nil)
        #expect(attempt(guess(2, from: 100), at: second) == nil)
        #expect(attempt(guess(1, from: 100), at: second + 3_700 * second) == nil)
    }
}
