import CLinux

/// Memory that the C library's allocator keeps after it was freed. Each thread has a heap, and files that were opened
/// and closed leave holes in all of them: of 2,000 tenants that were made one after the other, with 100 files open, 930
/// MB stayed where 150 were in use. Any thread but a loop: giving it back takes milliseconds for each heap, and whoever
/// allocates from that one waits.
package enum HeapMemory {
    /// Less than that is not worth it, and is used again.
    fileprivate static let keptMax = 256 << 20

    /// Gives it back to the kernel where the process, which takes `resident` bytes, holds much more than is in use.
    /// `mapped`: of those, what does not come from the allocator, so that giving back brings nothing of it. Whether it
    /// tried.
    static func giveBack(resident: Int, mapped: Int) -> Bool {
        guard resident - mapped - Int(clinux_bytes_in_use()) > keptMax else { return false }
        clinux_give_memory_back()
        return true
    }
}

/// When memory is given back. What fragments heaps may stay in use for good: where it brought little, it is tried half
/// as often the next time, unless much more has come since. Of one thread.
package struct HeapPace {
    /// Less than that is not worth that all who allocate wait.
    private static let gainMin = 16 << 20
    private static let periodsMax = 64

    private var periods = 1
    private var left = 0
    /// What was resident after a try that brought little.
    private var leftResident: Int?

    package init() {}

    /// Once a period. `resident`: the process's bytes as they are when it is asked, before and after.
    package mutating func giveBack(mapped: Int, resident: () -> Int?) {
        guard let before = resident(), isDue(resident: before - mapped),
            HeapMemory.giveBack(resident: before, mapped: mapped)
        else { return }
        let after = resident() ?? before
        note(gain: before - after, resident: after - mapped)
    }

    /// Whether the period that begins is one in which to try. `resident`: but for what is mapped.
    mutating func isDue(resident: Int) -> Bool {
        if let known = leftResident, resident - known > HeapMemory.keptMax {
            (periods, left, leftResident) = (1, 0, nil)
        }
        left = max(0, left - 1)
        return left == 0
    }

    mutating func note(gain: Int, resident: Int) {
        let isVain = gain < Self.gainMin
        periods = isVain ? min(2 * periods, Self.periodsMax) : 1
        leftResident = isVain ? resident : nil
        left = periods
    }
}
