import Testing

@testable import HTTPServer

@Suite struct HeapMemoryTests {
    @Test("heaps are given back where they keep much, and are let be where what is resident is mapped pages")
    func mapped() {
        let resident = 1 << 40
        #expect(HeapMemory.giveBack(resident: resident, mapped: 0))
        #expect(!HeapMemory.giveBack(resident: resident, mapped: resident))
        #expect(!HeapMemory.giveBack(resident: 0, mapped: 0))
    }
}
