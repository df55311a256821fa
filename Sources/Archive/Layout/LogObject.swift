import Cryptography
package import TenantRegistry

/// One object of an archived log: the frames of a stretch of the node's log, and what else the node did meanwhile
/// (docs/internals/archive.md has every byte).
///
/// The heads of the frames stand in it as they stand in the log, so that their chain can be followed by whoever has the
/// node's key. Payloads are sealed once more, under a key of their tenant's, and are nothing without it.
package struct LogObject: Sendable {
    package enum Part: Sendable, Equatable {
        /// A tenant's payloads of this object, one behind the other as their heads have it; sealed.
        case payloads(TenantID, ArchiveSealed)
        /// What became of rows of the registry (`Connection.apply(changes:)`).
        case registryChanges([UInt8])
        /// A copy of the registry, without tenants' keys: its index, and the number of the object from which on
        /// changes are to be applied to it.
        case registry(index: String, since: UInt64)
        /// A tenant's snapshot is there.
        case snapshot(ArchiveManifest.Tenant)
        /// The tenant was erased, and its keys with it.
        case erased(TenantID)
        /// The archive was away for so long that the log forgot what came before: snapshots from before this LSN are
        /// good for what came before it alone.
        case gap
    }

    package static let magic: UInt32 = 0x4F4C_4754
    package static let version: UInt8 = 1
    private static let frontBytes = 80
    private static let partFrontBytes = 24
    package static let linkBytes = 16

    package let number: UInt64
    /// The code in the name of the object before it in its stream; zeros in the first.
    package let before: [UInt8]
    package let log: LogID
    package let from: UInt64
    package let to: UInt64
    /// Everything that the node's clients were told until then is in it, or in an object before it.
    package let at: Timestamp
    /// Heads of frames, each of `LogFrame.headBytes`.
    package let heads: [UInt8]
    package let parts: [Part]

    package init(
        number: UInt64, before: [UInt8], log: LogID, from: UInt64, to: UInt64, at: Timestamp, heads: [UInt8],
        parts: [Part]
    ) {
        self.number = number
        self.before = before
        self.log = log
        self.from = from
        self.to = to
        self.at = at
        self.heads = heads
        self.parts = parts
    }

    package var frameCount: Int { heads.count / LogFrame.headBytes }

    // MARK: Bytes

    package var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(Self.frontBytes + heads.count + 256)
        out.put(Self.magic)
        out += [Self.version, 0, 0, 0]
        out.put(number)
        out += before
        out.put(log.high.byteSwapped)
        out.put(log.low.byteSwapped)
        out.put(from)
        out.put(to)
        out.put(UInt64(bitPattern: at.milliseconds))
        out.put(UInt32(frameCount))
        out.put(UInt32(parts.count))
        out += heads
        for part in parts {
            let (kind, owner, body) = part.fields
            out += [kind, 0, 0, 0]
            out.put(UInt32(body.count))
            out += owner
            out += body
        }
        return out
    }

    package init(reading bytes: [UInt8], _ name: String) throws {
        let damaged = ArchiveFailure.damaged(name)
        guard bytes.count >= Self.frontBytes, bytes.number(0, as: UInt32.self) == Self.magic else { throw damaged }
        guard bytes[4] == Self.version else { throw ArchiveFailure.newer }
        number = bytes.number(8)
        before = Array(bytes[16..<32])
        log = LogID(
            high: bytes.number(32, as: UInt64.self).byteSwapped, low: bytes.number(40, as: UInt64.self).byteSwapped)
        from = bytes.number(48)
        to = bytes.number(56)
        at = Timestamp(milliseconds: Int64(bitPattern: bytes.number(64)))
        let frames = Int(bytes.number(72, as: UInt32.self))
        let count = Int(bytes.number(76, as: UInt32.self))
        var place = Self.frontBytes + frames * LogFrame.headBytes
        guard place <= bytes.count else { throw damaged }
        heads = Array(bytes[Self.frontBytes..<place])
        var parts: [Part] = []
        for _ in 0..<count {
            guard bytes.count - place >= Self.partFrontBytes else { throw damaged }
            let length = Int(bytes.number(place + 4, as: UInt32.self))
            let start = place + Self.partFrontBytes
            guard bytes.count - start >= length else { throw damaged }
            parts.append(
                try Part(
                    kind: bytes[place], owner: Array(bytes[place + 8..<start]),
                    body: Array(bytes[start..<start + length]),
                    name))
            place = start + length
        }
        guard place == bytes.count else { throw damaged }
        self.parts = parts
    }

    /// Its frames, in order, each with the head as it stands in the log. Throws where they do not follow each other
    /// from `from` to `to`.
    package func forEachFrame(
        _ name: String, _ body: (_ frame: LogFrame, _ head: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var lsn = from
        try heads.withUnsafeBytes { all in
            for place in stride(from: 0, to: all.count, by: LogFrame.headBytes) {
                let head = UnsafeRawBufferPointer(rebasing: all[place..<place + LogFrame.headBytes])
                guard let base = head.baseAddress, let frame = LogFrame(at: base), frame.start >= lsn else {
                    throw ArchiveFailure.damaged(name)
                }
                try body(frame, head)
                lsn = frame.end
            }
        }
        guard lsn == to else { throw ArchiveFailure.damaged(name) }
    }
}

/// Bytes under a tenant's key in an object of the node's: the code that names and seals them, then the sealed bytes.
package struct ArchiveSealed: Sendable, Equatable {
    let code: [UInt8]
    let bytes: [UInt8]

    /// Of what a tenant has in the object at this place.
    package static func seal(
        _ plaintext: [UInt8], of tenant: TenantID, at object: LogObjectPlace, under key: ArchiveKey
    ) throws -> ArchiveSealed {
        let (name, bytes) = try key.seal(plaintext, at: place(tenant, object))
        return ArchiveSealed(code: Hex.decode(String(name.suffix(2 * LogObject.linkBytes))) ?? [], bytes: bytes)
    }

    package func open(of tenant: TenantID, at object: LogObjectPlace, under key: ArchiveKey) throws -> [UInt8] {
        try key.open(bytes, "\(Self.place(tenant, object))-\(Hex.encode(code))")
    }

    private static func place(_ tenant: TenantID, _ object: LogObjectPlace) -> String {
        "\(object.text)/\(tenant.text)"
    }
}

extension LogObject.Part {
    private static let noOwner = [UInt8](repeating: 0, count: 16)

    fileprivate var fields: (kind: UInt8, owner: [UInt8], body: [UInt8]) {
        switch self {
        case .payloads(let tenant, let sealed): (1, tenant.bytes, sealed.code + sealed.bytes)
        case .registryChanges(let bytes): (2, Self.noOwner, bytes)
        case .registry(let index, let since):
            (3, Self.noOwner, RegistryPart(index: index, since: since).json)
        case .snapshot(let tenant): (4, tenant.id.bytes, tenant.json)
        case .erased(let tenant): (5, tenant.bytes, [])
        case .gap: (6, Self.noOwner, [])
        }
    }

    fileprivate init(kind: UInt8, owner: [UInt8], body: [UInt8], _ name: String) throws {
        let damaged = ArchiveFailure.damaged(name)
        guard let tenant = TenantID(bytes: owner) ?? (owner == Self.noOwner ? TenantID(high: 0, low: 0) : nil) else {
            throw damaged
        }
        switch kind {
        case 1:
            guard body.count >= LogObject.linkBytes else { throw damaged }
            self = .payloads(
                tenant,
                ArchiveSealed(
                    code: Array(body.prefix(LogObject.linkBytes)), bytes: Array(body.dropFirst(LogObject.linkBytes))))
        case 2: self = .registryChanges(body)
        case 3:
            let part = try RegistryPart(reading: body, name)
            self = .registry(index: part.index, since: part.since)
        case 4: self = .snapshot(try ArchiveManifest.Tenant(reading: body, name))
        case 5: self = .erased(tenant)
        case 6: self = .gap
        default: throw ArchiveFailure.newer
        }
    }
}

extension [UInt8] {
    fileprivate mutating func put(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate func number<Value: FixedWidthInteger>(_ place: Int, as _: Value.Type = UInt64.self) -> Value {
        withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Value.self)) }
    }
}
