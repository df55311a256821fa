import Cryptography
import Glibc

/// Reads the segments of a folder: what is part of the log, and where it ends. On the thread that opens it.
///
/// A frame is part of it if it follows the one before: in its LSN, in its epoch, in the chain, and its payload is the
/// one it was written with. The first that does not follow ends the log, whatever stands behind it, as nothing behind
/// it was ever told to be durable: a frame says up to where the log was durable when it was appended. Where one
/// behind it says more, it is no end, but a gap.
struct LogScan: ~Copyable {
    let folder: String
    let disk: any LogDisk

    /// Part of the log, oldest first, each with its end.
    private(set) var segments: [LogSegment] = []
    private(set) var tails = LogTails()
    private(set) var gaps: [LogGap] = []
    private(set) var end: UInt64
    private(set) var chain = Digest.zero
    private(set) var at = Timestamp(milliseconds: 0)
    /// Up to here somebody knew the log to be durable.
    private(set) var durable: UInt64 = 0
    /// The same as what was written last tells it, before anything else is read.
    private var proven: UInt64 = 0
    /// A commit of several frames that has begun.
    private var part: (tenant: TenantID, start: UInt64)?
    /// Whose beginning is before this one is in all files.
    private var floor: UInt64 = 0
    private var file = LogBytes()

    init(folder: String, disk: any LogDisk, empty: UInt64) {
        self.folder = folder
        self.disk = disk
        end = empty
    }

    /// `heads`: of all segments, by number.
    mutating func run(_ heads: [LogSegment]) throws(LogDiskError) {
        let list = Self.following(heads)
        guard let first = list.first, let floor = list.map(\.floor).max() else { return }
        self.floor = floor
        (end, chain, at) = (first.after, first.chain, first.at)
        proven = try proof(list)
        // Segments that went had their floor said before; what was not said is missing.
        if floor < first.after { gaps.append(LogGap(from: floor, to: first.after, isOpen: true)) }
        for (place, segment) in list.enumerated() {
            let next = place + 1 < list.count ? list[place + 1] : nil
            begin(segment)
            let later = Array(list[(place + 1)...])
            if let next, next.after <= floor {
                end = next.after
            } else if try !read(segment, next: next, later: later) {
                segments[place].end = end
                break
            }
            segments[place].end = end
            guard let next, end < next.after else { continue }
            guard try evidence(segment, later) > end else { break }
            gaps.append(LogGap(from: end, to: next.after, isOpen: true))
        }
        let said = tails.tail(of: .all)?.mark ?? 0
        gaps.removeAll { $0.to <= said }
        countPending()
    }

    private mutating func begin(_ segment: LogSegment) {
        // Parts stand before their commit without anything but an index in between.
        if segment.epoch != segments.last?.epoch { part = nil }
        segments.append(segment)
        // Whoever began an epoch had made sure of all before it.
        if let last = segments.dropLast().last, segment.epoch > last.epoch { durable = max(durable, segment.after) }
        if !segment.isGuessed { chain = segment.chain }
        end = segment.first
        at = max(at, segment.at)
    }

    /// Segments that make one log: epochs never sink, and what a later one made void is gone.
    private static func following(_ heads: [LogSegment]) -> [LogSegment] {
        var list: [LogSegment] = []
        for head in heads {
            if let last = list.last, head.epoch < last.epoch { continue }
            while let last = list.last, last.epoch < head.epoch, head.after < last.first { list.removeLast() }
            if let last = list.last, head.first < last.first { continue }
            list.append(head)
        }
        return list
    }

    /// All frames of a segment. False where the log ends in it.
    private mutating func read(
        _ segment: LogSegment, next: LogSegment?, later: [LogSegment]
    ) throws(LogDiskError) -> Bool {
        if try readIndex(segment, limit: next?.after ?? .max) { return true }
        // The index is no part of what it is read without.
        segments[segments.count - 1].index = nil
        try file.read("\(folder)/\(LogSegment.name(segment.number))", on: disk)
        return try walk(segment, next: next, later: later)
    }

    /// Up to where the log was durable when the last frame there is was appended, or when the last epoch began.
    private mutating func proof(_ list: [LogSegment]) throws(LogDiskError) -> UInt64 {
        for (before, segment) in zip(list, list.dropFirst()).reversed() {
            try file.read("\(folder)/\(LogSegment.name(segment.number))", on: disk)
            let said = file.durable(behind: LogSegment.pageBytes - LogBytes.step, of: segment)
            if segment.epoch > before.epoch { return max(said, segment.after) }
            if said > 0 { return said }
        }
        return 0
    }

    /// By the index alone, where the segment is full, its index is whole, and all of it was durable: after a power cut
    /// an index that no sync covered may be there without the frames that it tells of.
    private mutating func readIndex(_ segment: LogSegment, limit: UInt64) throws(LogDiskError) -> Bool {
        guard let start = segment.index, let last = segment.end, last <= min(limit, proven) else { return false }
        try file.read(
            "\(folder)/\(LogSegment.name(segment.number))", from: segment.offset(of: start), count: Int(last - start),
            on: disk)
        guard let frame = file.frame(at: 0), frame.kind == .index, frame.start == start, frame.epoch == segment.epoch,
            frame.end == last, let payload = file.payload(of: frame, at: 0),
            let index = LogIndex(payload, of: segment)
        else { return false }
        // At most one commit goes on from the segment before, and one into the next.
        let before = part
        let orphan = try before == nil ? orphan(of: segment) : nil
        part = nil
        for entry in index.entries {
            take(
                entry, goingOn: before?.tenant == entry.tenant ? before?.start : nil,
                isOrphan: orphan == entry.tenant, in: segment)
        }
        durable = max(durable, frame.durable)
        (end, chain, at) = (last, frame.chain, max(at, index.lastAt))
        return true
    }

    /// Whose commit goes on at the beginning of a segment, where nobody knows how it began.
    private func orphan(of segment: LogSegment) throws(LogDiskError) -> TenantID? {
        var head = LogBytes()
        try head.read(
            "\(folder)/\(LogSegment.name(segment.number))", from: LogSegment.pageBytes, count: LogFrame.headBytes,
            on: disk)
        guard let frame = head.frame(at: 0), frame.start == segment.first, frame.kind.isTenants,
            frame.flags & LogFrame.continuesPart != 0
        else { return nil }
        return frame.tenant
    }

    /// A commit whose beginning is missing: below the floor its tenant's file has it; else it is lost with its gap.
    private mutating func drop(_ tenant: TenantID, in segment: LogSegment) {
        if segment.after > floor && !gaps.isEmpty { gaps[gaps.count - 1].lost.insert(tenant) }
    }

    private mutating func take(
        _ entry: LogIndexEntry, goingOn begun: UInt64?, isOrphan: Bool, in segment: LogSegment
    ) {
        let number = tails.number(of: entry.tenant)
        let whole = entry.places.filter { !$0.isPart }.count
        // A commit that ends in the next segment counts there.
        let last = entry.places.last?.isPart == true ? entry.sequence - 1 : entry.sequence
        if whole > 0 {
            see(entry.tenant, sequence: last + 1 - UInt64(whole), after: tails[number].sequence, begins: entry.begins)
            tails[number].sequence = last
        }
        var begun = begun
        var places = entry.places[...]
        if isOrphan {
            places = places.drop { $0.isPart }.dropFirst()
            drop(entry.tenant, in: segment)
        }
        for place in places {
            let start = begun ?? place.start
            if !place.isPart { tails[number].positions.append(LogPosition(start: start, end: place.end)) }
            begun = place.isPart ? start : nil
        }
        if let begun { part = (entry.tenant, begun) }
        if entry.mark > 0 { tails.mark(number, entry.mark) }
    }

    private mutating func see(_ tenant: TenantID, sequence: UInt64, after last: UInt64, begins: Bool) {
        for place in gaps.indices { gaps[place].see(tenant, sequence: sequence, after: last, begins: begins) }
    }

    /// Frame by frame.
    private mutating func walk(
        _ segment: LogSegment, next: LogSegment?, later: [LogSegment]
    ) throws(LogDiskError) -> Bool {
        let limit = next?.after ?? .max
        while end < limit {
            let offset = segment.offset(of: end)
            let frame = file.frame(at: offset, of: segment, lsn: end, limit: limit)
            if let frame, LogFrame.follows(file.place(offset), chain) || isBehindGap,
                let payload = file.payload(of: frame, at: offset)
            {
                take(frame, payload, in: segment)
                continue
            }
            guard try max(file.durable(behind: offset, of: segment), evidence(segment, later)) > end else {
                return false
            }
            if let frame {
                // Its head is as it was written: so it is known whose it was.
                let isTenants = frame.kind.isTenants
                gaps.append(LogGap(from: end, to: frame.end, isOpen: false, lost: isTenants ? [frame.tenant] : []))
                if isTenants { tails[tails.number(of: frame.tenant)].sequence = frame.sequence }
                (end, chain, part) = (frame.end, frame.chain, nil)
            } else {
                let behind = file.nextFrame(behind: offset, of: segment, limit: limit)
                let there = behind?.start ?? limit
                guard there < .max else { return false }
                gaps.append(LogGap(from: end, to: there, isOpen: true))
                (end, part) = (there, nil)
            }
        }
        return true
    }

    /// The chain is not known behind a gap.
    private var isBehindGap: Bool { gaps.last.map { $0.isOpen && $0.to == end } ?? false }

    private mutating func take(_ frame: LogFrame, _ payload: UnsafeRawBufferPointer, in segment: LogSegment) {
        if frame.kind != .part && frame.flags & LogFrame.continuesPart == 0 && frame.kind != .index { part = nil }
        switch frame.kind {
        case .part:
            // One that goes on where nobody knows how it began is no beginning.
            if frame.flags & LogFrame.continuesPart == 0 {
                part = (frame.tenant, frame.start)
            } else if part?.tenant != frame.tenant {
                part = nil
            }
        case .commit, .opened:
            let number = tails.number(of: frame.tenant)
            see(
                frame.tenant, sequence: frame.sequence, after: tails[number].sequence,
                begins: frame.flags & LogFrame.beginsSequence != 0)
            let isWhole = frame.flags & LogFrame.continuesPart == 0 || part?.tenant == frame.tenant
            tails[number].sequence = frame.sequence
            if isWhole {
                tails[number].positions.append(LogPosition(start: part?.start ?? frame.start, end: frame.end))
            } else {
                drop(frame.tenant, in: segment)
            }
            part = nil
        case .marks:
            for mark in LogMark.read(payload) { tails.mark(tails.number(of: mark.tenant), mark.lsn) }
        case .index, .closed: break
        }
        durable = max(durable, frame.durable)
        (end, chain, at) = (frame.end, frame.chain, max(at, frame.at))
    }

    /// Up to where the log was durable, as the segments behind this one tell.
    private func evidence(_ segment: LogSegment, _ later: [LogSegment]) throws(LogDiskError) -> UInt64 {
        var most: UInt64 = 0
        var other = LogBytes()
        for next in later {
            if next.epoch > segment.epoch { return max(most, next.after) }
            try other.read("\(folder)/\(LogSegment.name(next.number))", on: disk)
            most = max(most, other.durable(behind: LogSegment.pageBytes - LogBytes.step, of: next))
        }
        return most
    }

    private mutating func countPending() {
        for tail in tails.all {
            var place = 0
            for position in tail.positions {
                while place + 1 < segments.count, segments[place + 1].first <= position.start { place += 1 }
                segments[place].pending += 1
            }
        }
    }
}
