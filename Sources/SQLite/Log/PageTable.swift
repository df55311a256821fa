/// Pages by their numbers, for those that are looked up with every commit. One thread.
struct PageTable: ~Copyable {
    struct Entry {
        /// 0: nothing is here.
        var number: UInt32 = 0
        /// What its user notes beside the page.
        var generation: UInt32 = 0
        var frame = 0
        var page: UnsafeMutableRawPointer?
    }

    private static let bitsMin = 6

    private var slots: UnsafeMutablePointer<Entry>
    private var bits: Int
    private(set) var count = 0

    init() {
        bits = Self.bitsMin
        slots = Self.allocate(bits)
    }

    deinit { slots.deallocate() }

    var bytes: Int { MemoryLayout<Entry>.stride << bits }

    /// Valid until the next `insert`, `keep` or `removeAll`.
    func find(_ number: UInt32) -> UnsafeMutablePointer<Entry>? {
        let slot = slot(number)
        return slot.pointee.number == number ? slot : nil
    }

    /// The page's entry, made where there is none: it has no page then. Valid as that of `find`.
    mutating func insert(_ number: UInt32) -> UnsafeMutablePointer<Entry> {
        let known = slot(number)
        if known.pointee.number == number { return known }
        if (count + 1) << 1 > 1 << bits { rebuild(bits + 1) { _ in true } }
        let slot = slot(number)
        slot.pointee = Entry(number: number)
        count += 1
        return slot
    }

    /// Keeps those that the test passes.
    mutating func keep(_ passes: (Entry) -> Bool) { rebuild(bits, passes) }

    mutating func removeAll() {
        slots.deallocate()
        bits = Self.bitsMin
        slots = Self.allocate(bits)
        count = 0
    }

    func forEach(_ body: (Entry) -> Void) {
        for place in 0..<1 << bits where slots[place].number != 0 { body(slots[place]) }
    }

    private mutating func rebuild(_ newBits: Int, _ passes: (Entry) -> Bool) {
        let old = slots
        let oldBits = bits
        bits = newBits
        slots = Self.allocate(newBits)
        count = 0
        for place in 0..<1 << oldBits where old[place].number != 0 && passes(old[place]) {
            slot(old[place].number).pointee = old[place]
            count += 1
        }
        old.deallocate()
    }

    /// Where the page is, or would be. At least half of all slots are empty.
    private func slot(_ number: UInt32) -> UnsafeMutablePointer<Entry> {
        var place = Int((number &* 2_654_435_769) >> UInt32(32 - bits))
        while slots[place].number != number && slots[place].number != 0 { place = (place + 1) & (1 << bits - 1) }
        return slots + place
    }

    private static func allocate(_ bits: Int) -> UnsafeMutablePointer<Entry> {
        let slots = UnsafeMutablePointer<Entry>.allocate(capacity: 1 << bits)
        slots.initialize(repeating: Entry(), count: 1 << bits)
        return slots
    }
}
