import Synchronization

/// What a tenant's record keeps for the board: 16 bytes. The board alone writes it, under its lock; any thread reads.
struct DueStand: ~Copyable {
    /// When the file is to be asked next.
    let next = Atomic<Int64>(DueHour.never.packed)
    /// Where the tenant stands in the board's heap, or one of the places below.
    let place = Atomic<Int32>(outside)
    /// What the registry's row says, in seconds since 2020; `neverSaved` where it has none.
    let saved = Atomic<UInt32>(neverSaved)

    /// Nothing waits, or nothing may happen in it now.
    static let outside: Int32 = -1
    /// The scheduler has it: what falls due meanwhile gathers in `next`.
    static let running: Int32 = -2
    static let neverSaved = UInt32.max
    /// The row says that nothing waits.
    static let savedNever = UInt32.max - 1
}

/// An instant and what falls due then, in one word, so that the earlier of two is the smaller. A value.
package struct DueHour: Sendable, Comparable {
    let packed: Int64

    package static let never = DueHour(packed: .max)

    private init(packed: Int64) { self.packed = packed }

    /// `kind`: nil where that is not known before the file is asked.
    package init(_ milliseconds: Int64, _ kind: DueKind?) {
        let isNever = milliseconds >= Timestamp.latest.milliseconds
        let bounded = max(milliseconds, 0)
        packed = isNever ? .max : bounded << Self.kindBits | Int64(kind?.rawValue ?? Self.unknown)
    }

    static func read(_ packed: Int64) -> DueHour { DueHour(packed: packed) }

    private static let kindBits: Int64 = 4
    private static let unknown = 15

    package var milliseconds: Int64 { packed == .max ? DueTimes.never : packed >> Self.kindBits }
    package var kind: DueKind? { DueKind(rawValue: Int(packed & 15)) }
    package var isNever: Bool { packed == .max }

    package static func < (left: DueHour, right: DueHour) -> Bool { left.packed < right.packed }

    /// Whole seconds since 2020, rounded down, as rows and records keep them.
    var savedForm: UInt32 {
        guard !isNever else { return DueStand.savedNever }
        let seconds = milliseconds / 1_000 - Self.year2020
        return UInt32(clamping: min(max(seconds, 0), Int64(DueStand.savedNever) - 1))
    }

    private static let year2020: Int64 = 1_577_836_800
}
