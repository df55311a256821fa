import CLinux

/// Memory that the C library's allocator keeps after it was freed. Each thread has a heap, and files that were opened
/// and closed leave holes in all of them: of 2,000 tenants that were made one after the other, with 100 files open, 930
/// MB stayed where 150 were in use. Any thread but a loop: giving it back takes milliseconds for each heap, and whoever
/// allocates from that one waits.
package enum HeapMemory {
    /// Less than that is not worth it, and is used again.
    private static let keptMax = 256 << 20

    /// Gives it back to the kernel where the process, which takes `resident` bytes, holds much more than is in use.
    /// `mapped`: of those, what does not come from the allocator, so that giving back brings nothing of it. Whether it
    /// gave anything back.
    @discardableResult
    package static func giveBack(resident: Int, mapped: Int) -> Bool {
        guard resident - mapped - Int(clinux_bytes_in_use()) > keptMax else { return false }
        clinux_give_memory_back()
        return true
    }
}
