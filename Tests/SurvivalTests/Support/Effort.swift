import Foundation
import TestSeeds

/// How long the tests that could go on for ever go on, and from where.
enum Effort {
    private static let environment = ProcessInfo.processInfo.environment

    /// `./test --long` sets it.
    static let isLong = environment["TOLLGATE_TEST_LONG"] == "1"
    /// `TOLLGATE_TEST_SEED` replays what failed.
    private static let given = environment["TOLLGATE_TEST_SEED"].flatMap { UInt64($0) }
    /// Another one in every run: what is left to chance follows from it.
    static let seed = given ?? UInt64(Date().timeIntervalSince1970 * 1_000) % 1_000_000 * 10_000

    /// So many seeds; the given one alone where one is.
    static func seeds(_ short: Int, long: Int) -> [UInt64] {
        if let given { return [given] }
        return (0..<UInt64(isLong ? long : short)).map { seed + $0 }
    }

    /// Places from 1 to `last`: all of them in a long run, else so many.
    static func places(upTo last: Int, short count: Int) -> [Int] {
        guard !isLong, last > count else { return last < 1 ? [] : Array(1...last) }
        var chance = Seeded(state: seed)
        return Array((1...last).shuffled(using: &chance).prefix(count))
    }

    /// What a failure says, so that it can be played again.
    static func replay(_ seed: UInt64 = seed) -> String { "TOLLGATE_TEST_SEED=\(seed)" }
}
