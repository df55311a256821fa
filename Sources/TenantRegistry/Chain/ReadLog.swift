import Compression
import Synchronization

/// Records of calls that wrote nothing, waiting to join the chain as one block (0007), and the counts of all calls,
/// waiting to join their hours.
///
/// Invariant: a record is here or in the file, never dropped while there is a file; past `bytesMax` `append` refuses
/// and the caller waits. Any thread appends; the lane's worker counts writes and drains, and puts back what a failed
/// commit did not keep.
package final class ReadLog: Sendable {
    package static let blockBytes = 64 << 10
    package static let bytesMax = 1 << 20
    /// How long a record may wait in memory: what kill -9 can lose.
    package static let delayMillisecondsMax: Int64 = 5_000
    /// With fewer than this, and younger than a second, a batch of writes leaves them for later: small blocks cost
    /// room.
    package static let worthwhileCount = 64

    package struct Batch: Sendable {
        package var bytes: [UInt8] = []
        package var count = 0
        package var firstAt: Timestamp?
        package var lastAt: Timestamp?
        package var usage: [UsageKey: UsageCount] = [:]
        /// When the first write came that `usage` counts; its record is in the file.
        var countedAt: Timestamp?
        var metered = MeterTallies()

        var isEmpty: Bool { count == 0 && usage.isEmpty }

        /// Loops add side by side, so records are in order of arrival rather than of their times.
        mutating func span(_ at: Timestamp) {
            firstAt = min(firstAt ?? at, at)
            lastAt = max(lastAt ?? at, at)
        }
    }

    private struct Flood {
        var record: AuditRecord
        var seen: Int
    }

    private struct State {
        var batch = Batch()
        var floods: [FloodKey: Flood] = [:]
        /// What is in batches of the lane's and may come back.
        var drainedBytes = 0
        var drainedBatches = 0
        /// Its tenant was erased.
        var isDiscarded = false
    }

    private struct FloodKey: Hashable {
        let keyID: Int64
        let status: Int
        let action: String
    }

    private let state = Mutex(State())

    package init() {}

    /// Whether a record would be taken now.
    package var hasRoom: Bool { state.withLock { Self.hasRoom($0) } }

    private static func hasRoom(_ state: borrowing State) -> Bool {
        // Commits that fail again and again put back what they took: that is bounded too.
        state.batch.bytes.count < bytesMax && state.batch.bytes.count + state.drainedBytes < 2 * bytesMax
    }

    private static func hasRoomForRefusals(_ state: borrowing State) -> Bool {
        state.batch.bytes.count + state.drainedBytes < 3 * bytesMax
    }

    /// Adds a record; false when there is no room until the lane has written a block. `isOwed`: of an answer that does
    /// not wait for room; it is taken. Of those that have begun while there was room there are never more than
    /// connections, and where there is none refusals alike become one line. Where batches fail again and again even
    /// these come to an end, before a block has more than a reader takes.
    @discardableResult
    package func append(_ record: AuditRecord, isOwed: Bool = false) -> Bool {
        state.withLock { state in
            if state.isDiscarded { return true }
            let isTaken = isOwed && (record.status < 400 || Self.hasRoomForRefusals(state))
            guard isTaken || Self.hasRoom(state) else { return false }
            if record.isRefusal || record.isAnonymous || record.status >= 400 && !Self.hasRoom(state) {
                let separateMax = record.isAnonymous ? Self.anonymousSeparateMax : Self.refusalsSeparateMax
                let key = FloodKey(keyID: record.keyID, status: record.status, action: record.action)
                if var flood = state.floods[key] {
                    flood.seen += record.count
                    if flood.seen > separateMax {
                        flood.record.count += record.count
                        flood.record.at = record.at
                        state.floods[key] = flood
                        state.batch.span(record.at)
                        state.batch.usage[UsageKey(record), default: UsageCount()].add(record)
                        state.batch.metered.count(record)
                        return true
                    }
                    state.floods[key] = flood
                } else {
                    var counted = record
                    counted.count = 0
                    state.floods[key] = Flood(record: counted, seen: record.count)
                }
            }
            state.batch.usage[UsageKey(record), default: UsageCount()].add(record)
            state.batch.metered.count(record)
            AuditPacking.append(record, to: &state.batch.bytes)
            state.batch.count += 1
            state.batch.span(record.at)
            return true
        }
    }

    /// So many refusals alike in one block are recorded one by one; the rest as one line with a count.
    package static let refusalsSeparateMax = 20
    /// So many calls alike of nobody known: what strangers repeat is a count, so that they cannot fill the log (G6).
    package static let anonymousSeparateMax = 3

    package var isEmpty: Bool { state.withLock { $0.batch.isEmpty } }

    /// Nothing waits here, and nothing may come back from a batch under way.
    package var isSettled: Bool { state.withLock { $0.batch.isEmpty && $0.drainedBatches == 0 } }

    /// Bytes that wait here or in a batch under way; `append` refuses between `bytesMax` and twice that. For metrics.
    package var fillBytes: Int { state.withLock { $0.batch.bytes.count + $0.drainedBytes } }

    package var isBlockFull: Bool { state.withLock { $0.batch.bytes.count >= Self.blockBytes } }

    /// Whether a batch of writes should take the records along.
    package func isWorthwhile(at now: Timestamp) -> Bool {
        state.withLock { state in
            state.batch.count >= Self.worthwhileCount
                || Self.isPast(state.batch, Self.worthwhileMilliseconds, at: now)
        }
    }

    private static let worthwhileMilliseconds: Int64 = 1_000

    /// Something has waited for so long.
    private static func isPast(_ batch: borrowing Batch, _ milliseconds: Int64, at now: Timestamp) -> Bool {
        if let first = batch.firstAt, now.milliseconds - first.milliseconds >= milliseconds { return true }
        if let first = batch.countedAt { return now.milliseconds - first.milliseconds >= milliseconds }
        return false
    }

    package func isDue(at now: Timestamp) -> Bool {
        state.withLock { state in
            state.batch.bytes.count >= Self.blockBytes
                || Self.isPast(state.batch, Self.delayMillisecondsMax, at: now)
        }
    }

    /// Everything gathered so far; nil where there is nothing. What is taken must be committed or put back.
    package func drain() -> Batch? {
        state.withLock { state in
            guard !state.batch.isEmpty else { return nil }
            for flood in state.floods.values where flood.record.count > 0 {
                AuditPacking.append(flood.record, to: &state.batch.bytes)
                state.batch.count += 1
            }
            state.floods.removeAll(keepingCapacity: true)
            let batch = state.batch
            state.batch = Batch()
            state.drainedBytes += batch.bytes.count
            state.drainedBatches += 1
            return batch
        }
    }

    /// Its tenant was erased, and its lane writes nothing any more: what waits here, and what still comes, is nobody's.
    func discard() {
        state.withLock { state in
            state.isDiscarded = true
            state.batch = Batch()
            state.floods = [:]
        }
    }

    /// The commit is durable: what was drained is in the file.
    package func kept(_ batch: Batch) {
        state.withLock { state in
            state.drainedBytes -= batch.bytes.count
            state.drainedBatches -= 1
        }
    }

    /// Counts writes whose records are durable. They join their hours with the next block, or when they have waited as
    /// long as a record may: a row of `usage_hour` a batch would be a page a batch.
    func count(_ usage: [UsageKey: UsageCount], at now: Timestamp) {
        state.withLock { state in
            if state.isDiscarded { return }
            for (key, count) in usage { state.batch.usage[key, default: UsageCount()].add(count) }
            if state.batch.countedAt == nil { state.batch.countedAt = now }
        }
    }

    /// The commit failed or is lost: what was drained comes first again. Where several are, the last one first.
    package func putBack(_ batch: Batch) {
        state.withLock { state in
            state.drainedBytes -= batch.bytes.count
            state.drainedBatches -= 1
            if state.isDiscarded { return }
            var merged = batch
            merged.countedAt = batch.countedAt ?? state.batch.countedAt
            merged.bytes += state.batch.bytes
            merged.count += state.batch.count
            for at in [state.batch.firstAt, state.batch.lastAt].compactMap({ $0 }) { merged.span(at) }
            for (key, count) in state.batch.usage { merged.usage[key, default: UsageCount()].add(count) }
            merged.metered.add(state.batch.metered)
            state.batch = merged
        }
    }
}

/// What `usage` counts by (O6): the hour, the key, the reseller whose call it was, the route.
package struct UsageKey: Hashable, Sendable {
    package static let hoursPerDay: Int64 = 24

    /// Hours since 1970 in UTC.
    package let hour: Int64
    package let keyID: Int64
    package let resellerID: Int64
    package let action: String

    package init(_ record: AuditRecord) {
        hour = Self.hour(of: record.at)
        keyID = record.callerKeyID
        resellerID = record.callerResellerID
        action = record.action
    }

    package static func hour(of time: Timestamp) -> Int64 { time.milliseconds / 3_600_000 }
}

package struct UsageCount: Sendable {
    package var requests = 0
    /// 401, 403 and 429, each by itself.
    package var unauthorized = 0
    package var forbidden = 0
    package var rateLimited = 0
    /// Every other status from 400 on.
    package var otherRefusals = 0
    package var orders = 0

    package mutating func add(_ record: AuditRecord) {
        requests += record.count
        switch record.status {
        case 401: unauthorized += record.count
        case 403: forbidden += record.count
        case 429: rateLimited += record.count
        case 400...: otherRefusals += record.count
        default: break
        }
    }

    package mutating func add(_ other: UsageCount) {
        requests += other.requests
        unauthorized += other.unauthorized
        forbidden += other.forbidden
        rateLimited += other.rateLimited
        otherRefusals += other.otherRefusals
        orders += other.orders
    }
}

/// The packed form of a record in a block: fixed fields big-endian, then the action with its length.
package enum AuditPacking {
    /// Every read on a loop comes here: the fixed part is put together in place and appended at once.
    package static func append(_ record: AuditRecord, to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(byteCount: fixedBytes, alignment: 8) { room in
            var place = 0
            func put(_ value: some FixedWidthInteger) {
                room.storeBytes(of: value.bigEndian, toByteOffset: place, as: type(of: value.bigEndian))
                place += value.bitWidth / 8
            }
            put(record.at.milliseconds)
            put(UInt8(truncatingIfNeeded: record.book.rawValue))
            put(record.keyID)
            put(record.accountID)
            put(record.resellerID)
            put(UInt16(truncatingIfNeeded: record.status))
            put(UInt32(clamping: record.latencyMicroseconds))
            put(record.requestID.high)
            put(record.requestID.low)
            put(UInt32(clamping: record.bytesIn))
            put(UInt32(clamping: record.bytesOut))
            put(UInt32(clamping: record.count))
            put(UInt8(clamping: record.action.utf8.count))
            bytes.append(contentsOf: UnsafeRawBufferPointer(room))
        }
        var action = record.action
        action.withUTF8 { bytes.append(contentsOf: $0.prefix(255)) }
    }

    /// All fields but the action's text.
    private static let fixedBytes = 68

    /// The block of what was drained.
    package static func block(_ batch: ReadLog.Batch) throws -> AuditBlock {
        AuditBlock(
            firstAt: batch.firstAt ?? Timestamp(milliseconds: 0), lastAt: batch.lastAt ?? Timestamp(milliseconds: 0),
            count: batch.count, payload: try Deflate.compress(batch.bytes, level: 1))
    }

    /// The records of a block, in order; nil where the payload is not what `append` writes.
    package static func records(of payload: [UInt8]) -> [AuditRecord]? {
        guard let bytes = try? Deflate.decompress(payload, bytesMax: 4 * ReadLog.bytesMax) else { return nil }
        return bytes.withUnsafeBytes { records(in: $0) }
    }

    private static func records(in bytes: UnsafeRawBufferPointer) -> [AuditRecord]? {
        var records: [AuditRecord] = []
        var place = 0
        func take<Value: FixedWidthInteger>(_ type: Value.Type) -> Value {
            defer { place += MemoryLayout<Value>.size }
            return Value(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: Value.self))
        }
        while place < bytes.count {
            guard place + fixedBytes <= bytes.count else { return nil }
            let at = Timestamp(milliseconds: take(Int64.self))
            guard let book = Book(rawValue: Int64(take(UInt8.self))) else { return nil }
            let (keyID, accountID, resellerID) = (take(Int64.self), take(Int64.self), take(Int64.self))
            let (status, latency) = (Int(take(UInt16.self)), Int(take(UInt32.self)))
            let requestID = RequestID(high: take(UInt64.self), low: take(UInt64.self))
            let (bytesIn, bytesOut) = (Int(take(UInt32.self)), Int(take(UInt32.self)))
            let count = Int(take(UInt32.self))
            let length = Int(take(UInt8.self))
            guard place + length <= bytes.count else { return nil }
            let action = String(decoding: bytes[place..<place + length], as: UTF8.self)
            place += length
            var record = AuditRecord(
                at: at, action: action, status: status, requestID: requestID, latencyMicroseconds: latency,
                bytesIn: bytesIn, bytesOut: bytesOut)
            record.book = book
            record.keyID = keyID
            record.accountID = accountID
            record.resellerID = resellerID
            record.count = count
            records.append(record)
        }
        return records
    }
}
