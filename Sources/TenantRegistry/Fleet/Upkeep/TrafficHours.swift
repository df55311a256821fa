import Synchronization

/// How a tenant's calls of the last day were answered, hour by hour, since the node started: for the provider's eye,
/// not for a bill. Any thread; a call on the edge of an hour may be counted in either.
package final class TrafficHours: Sendable {
    package struct Hour: Sendable {
        package let begins: Timestamp
        package var answered = 0
        /// 4xx.
        package var refused = 0
        /// 5xx.
        package var failed = 0
    }

    private final class Slot: Sendable {
        let hour = Atomic<Int64>(-1)
        let answered = Atomic<UInt32>(0)
        let refused = Atomic<UInt32>(0)
        let failed = Atomic<UInt32>(0)
    }

    private static let hourMilliseconds: Int64 = 3_600_000
    package static let hours: Int64 = 24

    private let slots = (0..<Int(hours)).map { _ in Slot() }

    package func count(status: Int, at now: Timestamp) {
        let hour = now.milliseconds / Self.hourMilliseconds
        let slot = slots[Int(hour % Self.hours)]
        if slot.hour.load(ordering: .relaxed) != hour {
            slot.hour.store(hour, ordering: .relaxed)
            slot.answered.store(0, ordering: .relaxed)
            slot.refused.store(0, ordering: .relaxed)
            slot.failed.store(0, ordering: .relaxed)
        }
        switch status {
        case ..<400: slot.answered.add(1, ordering: .relaxed)
        case ..<500: slot.refused.add(1, ordering: .relaxed)
        default: slot.failed.add(1, ordering: .relaxed)
        }
    }

    /// The last day's, the oldest first; the last one runs.
    package func day(at now: Timestamp) -> [Hour] {
        let running = now.milliseconds / Self.hourMilliseconds
        return (0..<Self.hours).map { index in
            let hour = running - Self.hours + 1 + index
            var counted = Hour(begins: Timestamp(milliseconds: hour * Self.hourMilliseconds))
            let slot = slots[Int(hour % Self.hours)]
            guard slot.hour.load(ordering: .relaxed) == hour else { return counted }
            counted.answered = Int(slot.answered.load(ordering: .relaxed))
            counted.refused = Int(slot.refused.load(ordering: .relaxed))
            counted.failed = Int(slot.failed.load(ordering: .relaxed))
            return counted
        }
    }
}
