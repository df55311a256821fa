package import Cryptography

/// The log on its way to an archive (B3).
extension NodeLog {
    /// Where whoever follows the log stands: the next frame begins there, behind this chain.
    package struct Place: Sendable, Equatable {
        package let lsn: UInt64
        package let chain: Digest

        package init(lsn: UInt64, chain: Digest) {
            self.lsn = lsn
            self.chain = chain
        }
    }

    /// The oldest place that the log can still be followed from.
    package var beginning: Place { places[0] }

    /// Where each segment begins, oldest first.
    package var places: [Place] { locked { $0.segments.map { Place(lsn: $0.first, chain: $0.chain) } } }

    /// Hands out durable frames from a place on, in their order, until `bytesMax` are reached, and gives where the next
    /// one begins. Throws a `LogDamage` where the log has not what follows the place, which may be because it forgot
    /// it. Reads from the disk; any thread.
    package func forEachFrame(
        from place: Place, bytesMax: Int,
        _ body: (_ frame: LogFrame, _ head: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) throws -> Void
    ) throws -> Place {
        let (segments, durable) = locked { ($0.segments, $0.durable) }
        var reader = LogReader(folder: folder, segments: segments, disk: disk)
        defer { reader.close() }
        var place = place
        var bytes = 0
        while bytes < bytesMax {
            // Behind a failure the log goes on further up; what lies between is void.
            let lsn = segments.last { $0.after <= place.lsn && place.lsn < $0.first }?.first ?? place.lsn
            guard lsn < durable else { break }
            let (frame, payload) = try reader.frame(at: lsn)
            let head = reader.head
            guard let base = head.baseAddress, LogFrame.follows(base, place.chain) else { throw LogDamage(lsn: lsn) }
            try body(frame, head, payload)
            bytes += frame.frameBytes
            place = Place(lsn: frame.end, chain: frame.chain)
        }
        return place
    }
}
