package import Cryptography

/// What a frame of the node's log holds.
package enum RecordKind: UInt8, Sendable, CaseIterable {
    /// A tenant's commit, or the last part of one.
    case commit = 1
    /// A piece of a commit that is too long for one frame; it counts with the commit that follows it.
    case part = 2
    /// Tenants, each with the LSN up to which its file has everything.
    case marks = 3
    /// A tenant's file begins to log: it was made or took another's place. Without a payload, or with what its owner
    /// wants to say.
    case opened = 4
    /// The frames of a segment by tenant: the last frame of a segment that is full.
    case index = 5
    /// The log was closed, and every file had everything.
    case closed = 6

    /// Whether it is a tenant's own, and counts in its sequence.
    var isTenants: Bool { self == .commit || self == .part || self == .opened }
}

/// The head of a frame: what stands before each payload in the log (docs/internals/log.md has every byte).
///
/// Invariant: `chain` covers all before it in the log, and `digest` the payload, so that a frame can be judged by
/// itself and in its place. A value: any thread.
package struct LogFrame: Sendable, Equatable {
    package static let headBytes = 144
    /// What a frame may carry; a commit beyond it goes in parts.
    package static let payloadBytesMax = 1 << 20
    /// No log comes so far: what ends a frame, and a few behind it, can still be told.
    private static let startMax: UInt64 = 1 << 62
    static let magic: UInt32 = 0x314C_4754
    static let version: UInt8 = 1

    /// The log knew of no record of this tenant before this one: its sequence begins.
    package static let beginsSequence: UInt16 = 1
    /// The frame goes on with the part before it.
    package static let continuesPart: UInt16 = 2

    package var kind: RecordKind
    package var flags: UInt16 = 0
    /// Bytes of the payload, without what fills it up to a multiple of 8.
    package var length: Int
    package var epoch: UInt64
    /// Where the frame begins in the stream of all frames.
    package var start: UInt64
    /// Up to where the log was known to be durable when the frame was appended.
    package var durable: UInt64
    package var tenant: TenantID
    package var incarnation: Int64
    /// Wall clock; never less than that of the frame before.
    package var at: Timestamp
    /// Counts the tenant's records, without a gap.
    package var sequence: UInt64
    package var digest: Digest
    package var chain: Digest

    /// Of the whole frame.
    package var frameBytes: Int { Self.frameBytes(payload: length) }
    /// Where the next one begins.
    package var end: UInt64 { start + UInt64(frameBytes) }

    package static func frameBytes(payload: Int) -> Int { headBytes + (payload + 7) & ~7 }
}

extension LogFrame {
    /// Where the fields stand.
    private enum At {
        static let version = 4, kind = 5, flags = 6, length = 8, sum = 12, epoch = 16, start = 24, durable = 32
        static let tenant = 40, incarnation = 56, at = 64, sequence = 72, digest = 80, chain = 112
    }

    /// Writes the head at `place`, which has room for it, with the chain that follows `before`. Gives that chain.
    static func write(_ frame: borrowing LogFrame, after before: Digest, to place: UnsafeMutableRawPointer) -> Digest {
        place.put(magic, at: 0)
        place.storeBytes(of: version, toByteOffset: At.version, as: UInt8.self)
        place.storeBytes(of: frame.kind.rawValue, toByteOffset: At.kind, as: UInt8.self)
        place.put(frame.flags, at: At.flags)
        place.put(UInt32(frame.length), at: At.length)
        place.put(UInt32(0), at: At.sum)
        place.put(frame.epoch, at: At.epoch)
        place.put(frame.start, at: At.start)
        place.put(frame.durable, at: At.durable)
        place.put(frame.tenant, at: At.tenant)
        place.put(frame.incarnation, at: At.incarnation)
        place.put(frame.at.milliseconds, at: At.at)
        place.put(frame.sequence, at: At.sequence)
        place.put(frame.digest, at: At.digest)
        let chain = link(UnsafeRawPointer(place), after: before)
        place.put(chain, at: At.chain)
        place.put(sum(UnsafeRawPointer(place)), at: At.sum)
        return chain
    }

    /// The head at `place`; nil where no frame of this version begins there, or its own sum is wrong. Says nothing of
    /// its place in the log, nor of its payload.
    package init?(at place: UnsafeRawPointer) {
        guard place.get(0, as: UInt32.self) == Self.magic, place.load(fromByteOffset: At.version, as: UInt8.self) == 1,
            let kind = RecordKind(rawValue: place.load(fromByteOffset: At.kind, as: UInt8.self)),
            Self.sum(place) == place.get(At.sum, as: UInt32.self),
            place.get(At.start, as: UInt64.self) <= Self.startMax
        else { return nil }
        self.kind = kind
        flags = place.get(At.flags, as: UInt16.self)
        length = Int(place.get(At.length, as: UInt32.self))
        epoch = place.get(At.epoch, as: UInt64.self)
        start = place.get(At.start, as: UInt64.self)
        durable = place.get(At.durable, as: UInt64.self)
        tenant = place.tenant(At.tenant)
        incarnation = place.get(At.incarnation, as: Int64.self)
        at = Timestamp(milliseconds: place.get(At.at, as: Int64.self))
        sequence = place.get(At.sequence, as: UInt64.self)
        digest = place.digest(At.digest)
        chain = place.digest(At.chain)
    }

    /// Whether the chain of the head at `place` follows `before`.
    package static func follows(_ place: UnsafeRawPointer, _ before: Digest) -> Bool {
        link(place, after: before) == place.digest(At.chain)
    }

    /// SHA-256 of the chain before and of the head up to its own chain, with its sum as zero.
    private static func link(_ place: UnsafeRawPointer, after before: Digest) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: Digest.byteCount + At.chain, alignment: 8) { scratch in
            guard let base = scratch.baseAddress else { return .zero }
            base.put(before, at: 0)
            (base + Digest.byteCount).copyMemory(from: place, byteCount: At.chain)
            base.put(UInt32(0), at: Digest.byteCount + At.sum)
            return SHA256.hash(UnsafeRawBufferPointer(scratch))
        }
    }

    /// CRC-32 of the head, with the sum's own place as zero.
    private static func sum(_ place: UnsafeRawPointer) -> UInt32 {
        withUnsafeTemporaryAllocation(byteCount: headBytes, alignment: 8) { scratch in
            guard let base = scratch.baseAddress else { return 0 }
            base.copyMemory(from: place, byteCount: headBytes)
            base.put(UInt32(0), at: At.sum)
            return CRC32.checksum(UnsafeBufferPointer(scratch.bindMemory(to: UInt8.self)))
        }
    }
}

extension UnsafeMutableRawPointer {
    func put(_ value: some FixedWidthInteger, at offset: Int) {
        var little = value.littleEndian
        Swift.withUnsafeBytes(of: &little) {
            (self + offset).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(self), byteCount: $0.count)
        }
    }

    func put(_ digest: Digest, at offset: Int) {
        digest.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(start: self + offset, count: $0.count).copyMemory(from: $0)
        }
    }

    func put(_ tenant: TenantID, at offset: Int) {
        put(tenant.high.byteSwapped, at: offset)
        put(tenant.low.byteSwapped, at: offset + 8)
    }
}

extension UnsafeRawPointer {
    func get<Value: FixedWidthInteger>(_ offset: Int, as _: Value.Type) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    func digest(_ offset: Int) -> Digest {
        Digest(bytes: UnsafeRawBufferPointer(start: self + offset, count: Digest.byteCount)) ?? .zero
    }

    func tenant(_ offset: Int) -> TenantID {
        TenantID(high: get(offset, as: UInt64.self).byteSwapped, low: get(offset + 8, as: UInt64.self).byteSwapped)
    }
}
