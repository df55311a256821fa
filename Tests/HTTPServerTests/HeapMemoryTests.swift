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

    @Test("where giving back brings little it is tried half as often each time, and as often as before once it helps")
    func pace() {
        var pace = HeapPace()
        /// After how many periods it is tried again.
        func next(gain: Int) -> Int {
            pace.note(gain: gain)
            return 1 + (1...1_000).prefix { _ in !pace.isDue() }.count
        }
        let isFirstDue = pace.isDue()
        #expect(isFirstDue)
        let useless = (1...8).map { _ in next(gain: 1 << 20) }
        #expect(useless == [2, 4, 8, 16, 32, 64, 64, 64])
        #expect(next(gain: 32 << 20) == 1)
        #expect(next(gain: 0) == 2)
    }
}
