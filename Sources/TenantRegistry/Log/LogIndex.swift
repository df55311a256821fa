/// Where one of a tenant's frames stands in a segment.
package struct LogPlace: Sendable, Equatable {
    package let start: UInt64
    package let end: UInt64
    /// The commit goes on in the tenant's next frame.
    package let isPart: Bool
}

/// A tenant in a segment's index.
package struct LogIndexEntry: Sendable {
    package let tenant: TenantID
    /// The tenant's last low-water mark in the segment; 0: none.
    package let mark: UInt64
    /// Of the tenant's last record in the segment; 0: it has marks alone.
    package let sequence: UInt64
    /// Whether the sequence began in this segment.
    package let begins: Bool
    package let places: [LogPlace]
}

/// What the last frame of a full segment says: every tenant's frames in it. A value: any thread.
package struct LogIndex: Sendable {
    package let firstAt: Timestamp
    package let lastAt: Timestamp
    package let entries: [LogIndexEntry]

    static let headBytes = 24
    static let tenantBytes = 48
    static let placeBytes = 8
    private static let partBit: UInt32 = 1 << 31

    private enum At {
        static let tenants = 0, places = 4, firstAt = 8, lastAt = 16
        static let mark = 16, sequence = 24, place = 32, count = 36, flags = 40
    }

    /// Nil where the payload is not a whole index of this segment.
    init?(_ payload: UnsafeRawBufferPointer, of segment: LogSegment) {
        guard let base = payload.baseAddress, payload.count >= Self.headBytes else { return nil }
        let tenants = Int(base.get(At.tenants, as: UInt32.self))
        let places = Int(base.get(At.places, as: UInt32.self))
        guard payload.count == Self.headBytes + tenants * Self.tenantBytes + places * Self.placeBytes else {
            return nil
        }
        firstAt = Timestamp(milliseconds: base.get(At.firstAt, as: Int64.self))
        lastAt = Timestamp(milliseconds: base.get(At.lastAt, as: Int64.self))
        let table = base + Self.headBytes + tenants * Self.tenantBytes
        var found: [LogIndexEntry] = []
        found.reserveCapacity(tenants)
        for number in 0..<tenants {
            let row = base + Self.headBytes + number * Self.tenantBytes
            let from = Int(row.get(At.place, as: UInt32.self))
            let count = Int(row.get(At.count, as: UInt32.self))
            guard from + count <= places else { return nil }
            found.append(
                LogIndexEntry(
                    tenant: row.tenant(0), mark: row.get(At.mark, as: UInt64.self),
                    sequence: row.get(At.sequence, as: UInt64.self),
                    begins: row.get(At.flags, as: UInt32.self) & 1 == 1,
                    places: (from..<from + count).map { Self.place(table + $0 * Self.placeBytes, segment) }))
        }
        entries = found
    }

    private static func place(_ row: UnsafeRawPointer, _ segment: LogSegment) -> LogPlace {
        let length = row.get(4, as: UInt32.self)
        let start = segment.first + UInt64(row.get(0, as: UInt32.self)) - UInt64(LogSegment.pageBytes)
        return LogPlace(start: start, end: start + UInt64(length & ~partBit), isPart: length & partBit != 0)
    }
}

/// Gathers the index of the segment that is written. Under the log's lock.
struct LogIndexBuilder {
    private struct Tenant {
        let id: TenantID
        var mark: UInt64 = 0
        var sequence: UInt64 = 0
        var begins = false
        var count: UInt32 = 0
    }

    private struct Place {
        let tenant: UInt32
        let offset: UInt32
        let length: UInt32
    }

    private var tenants: [Tenant] = []
    private var places: [Place] = []
    private var firstAt: Timestamp?
    private var lastAt = Timestamp(milliseconds: 0)

    /// Of the index's payload, with so many tenants and frames more.
    func bytes(moreTenants: Int = 0, moreFrames: Int = 0) -> Int {
        LogIndex.headBytes + (tenants.count + moreTenants) * LogIndex.tenantBytes
            + (places.count + moreFrames) * LogIndex.placeBytes
    }

    /// The tenant's slot, which holds for this segment alone.
    mutating func add(_ tenant: TenantID) -> Int32 {
        tenants.append(Tenant(id: tenant))
        return Int32(tenants.count - 1)
    }

    mutating func note(_ slot: Int32, _ frame: borrowing LogFrame, offset: Int) {
        let length = UInt32(frame.frameBytes) | (frame.kind == .part ? 1 << 31 : 0)
        places.append(Place(tenant: UInt32(slot), offset: UInt32(offset), length: length))
        tenants[Int(slot)].count += 1
        tenants[Int(slot)].sequence = frame.sequence
        if frame.flags & LogFrame.beginsSequence != 0 { tenants[Int(slot)].begins = true }
        if firstAt == nil { firstAt = frame.at }
        lastAt = frame.at
    }

    mutating func note(_ slot: Int32, mark: UInt64) { tenants[Int(slot)].mark = max(tenants[Int(slot)].mark, mark) }

    /// The payload; begins anew.
    mutating func take() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: bytes())
        bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            write(to: base)
        }
        tenants.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        firstAt = nil
        return bytes
    }

    private func write(to base: UnsafeMutableRawPointer) {
        base.put(UInt32(tenants.count), at: 0)
        base.put(UInt32(places.count), at: 4)
        base.put((firstAt ?? lastAt).milliseconds, at: 8)
        base.put(lastAt.milliseconds, at: 16)
        var next: [UInt32] = []
        next.reserveCapacity(tenants.count)
        var total: UInt32 = 0
        for (number, tenant) in tenants.enumerated() {
            let row = base + LogIndex.headBytes + number * LogIndex.tenantBytes
            row.put(tenant.id, at: 0)
            row.put(tenant.mark, at: 16)
            row.put(tenant.sequence, at: 24)
            row.put(total, at: 32)
            row.put(tenant.count, at: 36)
            row.put(UInt64(tenant.begins ? 1 : 0), at: 40)
            next.append(total)
            total += tenant.count
        }
        let table = base + LogIndex.headBytes + tenants.count * LogIndex.tenantBytes
        for place in places {
            let row = table + Int(next[Int(place.tenant)]) * LogIndex.placeBytes
            row.put(place.offset, at: 0)
            row.put(place.length, at: 4)
            next[Int(place.tenant)] += 1
        }
    }
}
