import Synchronization

/// Three meters of wrong passwords, looked at before any hash is made; attempts under way count as wrong until they
/// turn out right (G6). Accounts that do not exist are metered like those that do, so that nobody learns which is
/// which. Any thread.
package final class PasswordMeters: Sendable {
    /// One attempt that the meters let through; `end` it once.
    package struct Attempt: Sendable {
        fileprivate let guess: Guess
        fileprivate let countsForAccount: Bool
    }

    /// Whose password is tried, and from where.
    package struct Guess: Sendable {
        /// The account at its tenant, whether there is one or not.
        package let account: AddressKey
        /// The address at the tenant.
        package let place: AddressKey
        /// The address at the account.
        package let accountAtPlace: AddressKey
        /// Somebody signed in to the account from there not long ago.
        package let isKnownPlace: Bool

        package init(account: AddressKey, place: AddressKey, accountAtPlace: AddressKey, isKnownPlace: Bool) {
            self.account = account
            self.place = place
            self.accountAtPlace = accountAtPlace
            self.isKnownPlace = isKnownPlace
        }
    }

    package enum Judgement: Sendable {
        case go(Attempt)
        case wait(seconds: Int)
    }

    package enum Outcome: Sendable {
        case right
        case wrong
        /// It was never judged: nothing happened.
        case unjudged
    }

    private let pace: WrongPace
    private let places: AddressMeter
    private let accounts: AddressMeter
    private let spent: BudgetCounts

    init(_ figures: BudgetFigures, spent: BudgetCounts) {
        pace = WrongPace(freeMax: figures[.passwordsAccountAddress])
        places = AddressMeter(figures.policy(.passwordsAddress))
        accounts = AddressMeter(figures.policy(.passwordsAccount))
        self.spent = spent
    }

    package func begin(_ guess: Guess, now: UInt64) -> Judgement {
        if let seconds = pace.begin(guess.accountAtPlace, now: now) {
            let place = places.look(guess.place, now: now).retryAfterSeconds
            return refuse(.passwordsAccountAddress, max(seconds, place, accountWait(guess, now: now)))
        }
        let place = places.take(guess.place, now: now)
        guard place.admitted else {
            pace.end(guess.accountAtPlace, .unjudged, now: now)
            return refuse(.passwordsAddress, max(place.retryAfterSeconds, accountWait(guess, now: now)))
        }
        let account = accounts.take(guess.account, now: now)
        guard account.admitted || guess.isKnownPlace else {
            pace.end(guess.accountAtPlace, .unjudged, now: now)
            places.giveBack(guess.place)
            return refuse(.passwordsAccount, account.retryAfterSeconds)
        }
        return .go(Attempt(guess: guess, countsForAccount: account.admitted))
    }

    package func end(_ attempt: Attempt, _ outcome: Outcome, now: UInt64) {
        pace.end(attempt.guess.accountAtPlace, outcome, now: now)
        if outcome == .wrong { return }
        places.giveBack(attempt.guess.place)
        if attempt.countsForAccount { accounts.giveBack(attempt.guess.account) }
    }

    /// For how many seconds the account's meter, which is asked last, will refuse.
    private func accountWait(_ guess: Guess, now: UInt64) -> Int {
        guess.isKnownPlace ? 0 : accounts.look(guess.account, now: now).retryAfterSeconds
    }

    private func refuse(_ budget: Budget, _ seconds: Int) -> Judgement {
        spent.count(budget)
        return .wait(seconds: max(1, seconds))
    }
}

/// So many wrong passwords of an address at an account are free; after each further one the next has to wait, a second
/// at first and twice as long each time. Any thread; a shard is locked for one look.
///
/// Invariant: at most `rowsMax` rows. When a shard is full, those go first that wait for nothing.
private final class WrongPace: Sendable {
    private struct Row {
        var wrong = 0
        var underWay = 0
        var waitsUntil: UInt64 = 0
    }

    private final class Shard: Sendable { let rows = Mutex<[AddressKey: Row]>([:]) }

    private static let rowsMax = 65_536
    private static let shardsCount = 16
    private static let waitSecondsMax: UInt64 = 900
    /// A row that has waited for so long beyond its end is forgotten.
    private static let forgottenAfterSeconds: UInt64 = 3_600
    private static let second: UInt64 = 1_000_000_000

    private let freeMax: Int
    private let shards = (0..<shardsCount).map { _ in Shard() }

    init(freeMax: Int) { self.freeMax = freeMax }

    /// How many seconds the next attempt has to wait; nil where it may begin.
    func begin(_ key: AddressKey, now: UInt64) -> Int? {
        shard(of: key).rows.withLock { rows in
            var row = rows[key] ?? Row()
            if row.underWay == 0, Self.isOver(row, now: now) { row = Row() }
            if row.waitsUntil > now { return Int((row.waitsUntil - now + Self.second - 1) / Self.second) }
            // Past the free ones they come one by one.
            guard row.underWay < max(1, freeMax - row.wrong) else { return 1 }
            row.underWay += 1
            if rows[key] == nil, rows.count >= Self.rowsMax / Self.shardsCount { Self.makeRoom(&rows, now: now) }
            rows[key] = row
            return nil
        }
    }

    func end(_ key: AddressKey, _ outcome: PasswordMeters.Outcome, now: UInt64) {
        shard(of: key).rows.withLock { rows in
            guard var row = rows[key] else { return }
            row.underWay -= 1
            switch outcome {
            case .right:
                row.wrong = 0
                row.waitsUntil = 0
            case .wrong:
                row.wrong += 1
                if row.wrong >= freeMax {
                    let doublings = min(row.wrong - freeMax, 10)
                    row.waitsUntil = now + min(1 << UInt64(doublings), Self.waitSecondsMax) * Self.second
                } else {
                    row.waitsUntil = now
                }
            case .unjudged: break
            }
            rows[key] = row.underWay <= 0 && row.wrong == 0 ? nil : row
        }
    }

    private static func isOver(_ row: Row, now: UInt64) -> Bool {
        row.waitsUntil + forgottenAfterSeconds * second < now
    }

    private static func makeRoom(_ rows: inout [AddressKey: Row], now: UInt64) {
        let before = rows.count
        rows = rows.filter { $0.value.underWay > 0 || !isOver($0.value, now: now) }
        guard before - rows.count < before / 8 else { return }
        let least = rows.filter { $0.value.underWay == 0 }.sorted { $0.value.wrong < $1.value.wrong }
        for (key, _) in least.prefix(before / 8) { rows[key] = nil }
    }

    private func shard(of key: AddressKey) -> Shard {
        shards[Int(truncatingIfNeeded: UInt(bitPattern: key.hashValue) % UInt(Self.shardsCount))]
    }
}
