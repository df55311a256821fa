/// One part of a backup on its way to whoever writes it down: what kind, a name, bytes. Nine bytes in front: kind,
/// length of the name, length of the body.
package struct BackupFrame: Sendable, Equatable {
    package enum Kind: UInt8, Sendable {
        /// An object of the archive, by its name.
        case object = 1
        /// A tenant's copy begins; the name is its slug, the body how many bytes it has.
        case tenant = 2
        /// A tenant that could not be copied, and why.
        case failure = 3
        /// The last one: the manifest.
        case manifest = 4
    }

    package let kind: Kind
    package let name: String
    package let body: [UInt8]

    package static let frontBytes = 9
    package static let bodyBytesMax = 256 << 20

    package init(_ kind: Kind, _ name: String, _ body: [UInt8]) {
        self.kind = kind
        self.name = name
        self.body = body
    }

    package var bytes: [UInt8] {
        let name = Array(name.utf8)
        func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        return [kind.rawValue] + number(name.count) + number(body.count) + name + body
    }
}

/// Takes frames out of bytes as they come. A value.
package struct BackupFrameReader: Sendable {
    private var held: [UInt8] = []

    package init() {}

    package var isEmpty: Bool { held.isEmpty }

    /// The frames that are whole by now. Throws where the bytes are no frames.
    package mutating func take(_ bytes: UnsafeRawBufferPointer) throws -> [BackupFrame] {
        held.append(contentsOf: bytes)
        var frames: [BackupFrame] = []
        var start = 0
        while held.count - start >= BackupFrame.frontBytes {
            func number(_ place: Int) -> Int { held[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
            let (nameBytes, bodyBytes) = (number(start + 1), number(start + 5))
            guard let kind = BackupFrame.Kind(rawValue: held[start]), nameBytes <= 1024,
                bodyBytes <= BackupFrame.bodyBytesMax
            else { throw ArchiveFailure.damaged("the stream") }
            let body = start + BackupFrame.frontBytes + nameBytes
            guard held.count >= body + bodyBytes else { break }
            frames.append(
                BackupFrame(
                    kind, String(decoding: held[start + BackupFrame.frontBytes..<body], as: UTF8.self),
                    Array(held[body..<body + bodyBytes])))
            start = body + bodyBytes
        }
        held.removeFirst(start)
        return frames
    }
}
