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
            pace.note(gain: gain, resident: 0)
            return 1 + (1...1_000).prefix { _ in !pace.isDue(resident: 0) }.count
        }
        let isFirstDue = pace.isDue(resident: 0)
        #expect(isFirstDue)
        let useless = (1...8).map { _ in next(gain: 1 << 20) }
        #expect(useless == [2, 4, 8, 16, 32, 64, 64, 64])
        #expect(next(gain: 32 << 20) == 1)
        #expect(next(gain: 0) == 2)
    }

    @Test("where much more is resident than a try in vain has left it is tried at once")
    func burst() {
        var pace = HeapPace()
        for _ in 1...6 { pace.note(gain: 0, resident: 1 << 30) }
        let isDueBefore = pace.isDue(resident: (1 << 30) + (256 << 20))
        #expect(!isDueBefore)
        let isDueAfter = pace.isDue(resident: (1 << 30) + (257 << 20))
        #expect(isDueAfter)
        pace.note(gain: 0, resident: 2 << 30)
        let isDueNext = [pace.isDue(resident: 2 << 30), pace.isDue(resident: 2 << 30)]
        #expect(isDueNext == [false, true])
    }
}
