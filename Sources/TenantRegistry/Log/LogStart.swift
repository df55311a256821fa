import Cryptography

/// Opens the folder of a log: reads what is there and begins a segment behind it, of a higher epoch than any. On the
/// thread that opens it.
struct LogStart {
    let folder: String
    let settings: LogSettings
    let disk: any LogDisk
    let clock: any WallClock

    /// No LSN is 0.
    static let firstLSN = UInt64(LogSegment.pageBytes)

    func run(_ random: any RandomSource) throws(LogFailure) -> LogState {
        do {
            let files = try files()
            let heads = try heads(files)
            let log = heads.last?.log ?? LogID(high: random.uint64(), low: random.uint64())
            if let other = heads.first(where: { $0.log != log }) { throw LogFailure.foreign(path(other.number)) }
            return try open(files, heads, log)
        } catch let error as LogDiskError {
            throw .disk(error)
        } catch let error as LogFailure {
            throw error
        } catch {
            preconditionFailure("nothing else is thrown: \(error)")
        }
    }

    private func open(_ files: [UInt64], _ heads: [LogSegment], _ log: LogID) throws(LogDiskError) -> LogState {
        var scan = LogScan(folder: folder, disk: disk, empty: Self.firstLSN)
        try scan.run(heads)
        for segment in scan.segments { try secure(segment, from: scan.durable) }
        var state = state(scan, log: log, epoch: 1 + (heads.map(\.epoch).max() ?? 0))
        let kept = scan.segments.last?.number ?? 0
        let isKept = Set(scan.segments.map(\.number))
        let ready = try reuse(files.filter { !isKept.contains($0) }, behind: kept)
        if ready == 0 { try make(kept + 1) }
        state.ready = max(ready, 1) - 1
        state.begin(number: kept + 1, after: scan.end)
        return state
    }

    private func path(_ number: UInt64) -> String { "\(folder)/\(LogSegment.name(number))" }

    private func make(_ number: UInt64) throws(LogDiskError) {
        try LogSegment.make(path(number), bytes: settings.segmentBytes, on: disk)
        try disk.sync(folder: folder)
    }

    /// Numbers of the segments' files. What was left half made is removed.
    private func files() throws(LogDiskError) -> [UInt64] {
        var numbers: [UInt64] = []
        for name in try disk.names(in: folder) {
            if let number = LogSegment.number(ofName: name) { numbers.append(number) }
            if name.hasSuffix(LogSegment.newSuffix) { try disk.remove("\(folder)/\(name)") }
        }
        return numbers.sorted()
    }

    /// Of those that were begun.
    private func heads(_ numbers: [UInt64]) throws(LogDiskError) -> [LogSegment] {
        var heads: [LogSegment] = []
        var bytes = LogBytes()
        for number in numbers {
            try bytes.read(path(number), count: LogSegment.pageBytes + LogFrame.headBytes, on: disk)
            if let page = bytes.page, let head = LogSegment(page: page, number: number) {
                heads.append(head)
            } else if let page = bytes.page, !LogSegment.isHead(page), let last = heads.last,
                let frame = bytes.frame(at: LogSegment.pageBytes), frame.epoch >= last.epoch, frame.start > last.first
            {
                heads.append(LogSegment(number: number, frame: frame, log: last.log))
            }
        }
        return heads
    }

    /// Makes sure of what nobody knew to be durable. A process that was killed leaves the kernel bytes that are not
    /// on the disk, and one whose sync failed leaves bytes that the kernel no longer means to write: they are written
    /// again.
    private func secure(_ segment: LogSegment, from durable: UInt64) throws(LogDiskError) {
        guard let end = segment.end, end > durable else { return }
        let path = path(segment.number)
        var bytes = LogBytes()
        try bytes.read(path, count: segment.offset(of: end), on: disk)
        let file = try disk.open(path, isNew: false)
        defer { disk.close(file) }
        try disk.write(file, bytes.prefix(LogSegment.pageBytes), at: 0)
        let known = segment.offset(of: max(durable, segment.first)) / LogSegment.pageBytes * LogSegment.pageBytes
        try disk.write(file, bytes.suffix(from: known), at: known)
        try disk.sync(file)
    }

    private func state(_ scan: borrowing LogScan, log: LogID, epoch: UInt64) -> LogState {
        var state = LogState(
            log: log, segmentBytes: settings.segmentBytes, epoch: epoch, end: scan.end, chain: scan.chain,
            at: max(scan.at, clock.now()), durable: scan.end, durableChain: scan.chain, segments: scan.segments,
            tails: scan.tails)
        state.gaps = scan.gaps
        state.atOpening = scan.at
        return state
    }

    /// Files that are no part of the log get the next numbers. Gives how many there are then.
    private func reuse(_ numbers: [UInt64], behind last: UInt64) throws(LogDiskError) -> Int {
        var ready = 0
        let zeros = UnsafeMutableRawBufferPointer.allocate(
            byteCount: LogSegment.pageBytes, alignment: LogSegment.pageBytes)
        defer { zeros.deallocate() }
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
        for number in numbers {
            let old = path(number)
            let next = last + UInt64(ready) + 1
            // One that stands between those that are kept was passed over; its number is no use.
            guard ready < settings.segmentsReadyMax, try disk.size(old) == settings.segmentBytes, number >= next else {
                try disk.remove(old)
                continue
            }
            try clear(old, UnsafeRawBufferPointer(zeros))
            if number != next { try disk.rename(old, to: path(next)) }
            ready += 1
        }
        if !numbers.isEmpty { try disk.sync(folder: folder) }
        return ready
    }

    /// What it was is not read again.
    private func clear(_ path: String, _ zeros: UnsafeRawBufferPointer) throws(LogDiskError) {
        let file = try disk.open(path, isNew: false)
        defer { disk.close(file) }
        try disk.write(file, zeros, at: 0)
        try disk.sync(file)
    }
}
