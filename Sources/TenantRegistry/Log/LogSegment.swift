package import Cryptography

/// One file of the node's log: a page with its head, then frames. The stream of all frames is cut into segments, so a
/// frame stands at one LSN and in one file. A value: any thread.
package struct LogSegment: Sendable, Equatable {
    /// Before the first frame: the head in the first sector, the seal in the second.
    package static let pageBytes = 4_096
    static let sealOffset = 512
    static let sectorBytes = 512

    package let number: UInt64
    package let epoch: UInt64
    /// LSN of the first frame.
    package let first: UInt64
    /// The LSN that this segment goes on from: `first`, but after a failure less. What lies between is void.
    package let after: UInt64
    /// Chain at `after`.
    package let chain: Digest
    /// What came before this LSN was in the tenants' files when the segment was begun.
    package let floor: UInt64
    /// Wall clock when it was begun.
    package let at: Timestamp
    /// The log that it belongs to.
    package let log: LogID
    /// Where it ended; nil while it is written.
    package var end: UInt64?
    /// Where its index begins, if it was filled up.
    package var index: UInt64?
    /// Its head was lost, and made up again from its first frame: the chain before that is not known.
    var isGuessed = false
    /// Records in it that are not yet in their tenants' files.
    var pending = 0

    /// Where in the file the frame at this LSN stands.
    func offset(of lsn: UInt64) -> Int { Self.pageBytes + Int(lsn - first) }

    package static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits + suffix
    }

    /// Nil for the name of another file.
    static func number(ofName name: String) -> UInt64? {
        guard name.hasSuffix(suffix), let number = UInt64(name.dropLast(suffix.count)), Self.name(number) == name else {
            return nil
        }
        return number
    }

    private static let suffix = ".segment"
    /// A segment that is yet to be filled with zeros.
    static let newSuffix = ".new"
}

/// Which log a segment is of: drawn when a log is made, so that segments of two nodes are never taken for one log.
package struct LogID: Sendable, Hashable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

extension LogSegment {
    private static let headMagic: UInt32 = 0x534C_4754
    private static let sealMagic: UInt32 = 0x454C_4754
    private static let version: UInt32 = 1

    private enum Head {
        static let version = 4, number = 8, epoch = 16, first = 24, after = 32, floor = 40, at = 48, log = 56
        static let chain = 72, sum = 104, count = 108
    }

    private enum Seal {
        static let version = 4, number = 8, epoch = 16, index = 24, end = 32, chain = 40, sum = 72, count = 76
    }

    /// Writes the page before the first frame: the head, and no seal.
    func writePage(_ page: UnsafeMutableRawPointer) {
        page.initializeMemory(as: UInt8.self, repeating: 0, count: Self.pageBytes)
        writeHead(page)
    }

    /// Writes the head's sector alone. Syncs overlap: the one that ends the segment may have written the seal before
    /// the one that begins it has written the head.
    func writeHead(_ page: UnsafeMutableRawPointer) {
        page.initializeMemory(as: UInt8.self, repeating: 0, count: Self.sectorBytes)
        page.put(Self.headMagic, at: 0)
        page.put(Self.version, at: Head.version)
        page.put(number, at: Head.number)
        page.put(epoch, at: Head.epoch)
        page.put(first, at: Head.first)
        page.put(after, at: Head.after)
        page.put(floor, at: Head.floor)
        page.put(at.milliseconds, at: Head.at)
        page.put(log.high.byteSwapped, at: Head.log)
        page.put(log.low.byteSwapped, at: Head.log + 8)
        page.put(chain, at: Head.chain)
        page.put(Self.sum(page, Head.sum), at: Head.sum)
    }

    /// Nil where the page is not the head of this segment: it was not begun, or is one that is to be used again.
    init?(page: UnsafeRawPointer, number: UInt64) {
        guard page.get(0, as: UInt32.self) == Self.headMagic, page.get(Head.version, as: UInt32.self) == Self.version,
            page.get(Head.number, as: UInt64.self) == number,
            page.get(Head.sum, as: UInt32.self) == Self.sum(page, Head.sum)
        else { return nil }
        self.number = number
        epoch = page.get(Head.epoch, as: UInt64.self)
        first = page.get(Head.first, as: UInt64.self)
        after = page.get(Head.after, as: UInt64.self)
        floor = page.get(Head.floor, as: UInt64.self)
        at = Timestamp(milliseconds: page.get(Head.at, as: Int64.self))
        log = LogID(
            high: page.get(Head.log, as: UInt64.self).byteSwapped,
            low: page.get(Head.log + 8, as: UInt64.self).byteSwapped)
        chain = page.digest(Head.chain)
        readSeal(page + Self.sealOffset)
    }

    /// Whether it is the whole head of some segment, of whatever number.
    static func isHead(_ page: UnsafeRawPointer) -> Bool {
        page.get(0, as: UInt32.self) == headMagic && page.get(Head.sum, as: UInt32.self) == sum(page, Head.sum)
    }

    /// A segment whose head is lost but whose first frame is not.
    init(number: UInt64, frame: LogFrame, log: LogID) {
        self.init(
            number: number, epoch: frame.epoch, first: frame.start, after: frame.start, chain: .zero, floor: 0,
            at: frame.at, log: log, isGuessed: true)
    }

    /// Writes the sector that says where the index is.
    func writeSeal(_ sector: UnsafeMutableRawPointer, index: UInt64, end: UInt64, chain: Digest) {
        sector.initializeMemory(as: UInt8.self, repeating: 0, count: Self.sectorBytes)
        sector.put(Self.sealMagic, at: 0)
        sector.put(Self.version, at: Seal.version)
        sector.put(number, at: Seal.number)
        sector.put(epoch, at: Seal.epoch)
        sector.put(index, at: Seal.index)
        sector.put(end, at: Seal.end)
        sector.put(chain, at: Seal.chain)
        sector.put(Self.sum(sector, Seal.sum), at: Seal.sum)
    }

    /// Where the sector is no seal of this segment, it was not filled up, or its end did not reach the disk.
    private mutating func readSeal(_ sector: UnsafeRawPointer) {
        guard sector.get(0, as: UInt32.self) == Self.sealMagic, sector.get(Seal.number, as: UInt64.self) == number,
            sector.get(Seal.epoch, as: UInt64.self) == epoch,
            sector.get(Seal.sum, as: UInt32.self) == Self.sum(sector, Seal.sum)
        else { return }
        let (start, last) = (sector.get(Seal.index, as: UInt64.self), sector.get(Seal.end, as: UInt64.self))
        guard first <= start, start < last else { return }
        (index, end) = (start, last)
    }

    private static func sum(_ place: UnsafeRawPointer, _ count: Int) -> UInt32 {
        CRC32.checksum(UnsafeRawBufferPointer(start: place, count: count).bindMemory(to: UInt8.self))
    }
}
