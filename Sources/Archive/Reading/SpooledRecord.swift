import Foundation
import TenantRegistry

/// A tenant's record on its way from the archive into the tenant's file; parts of a long commit are put together.
struct SpooledRecord {
    let lsn: UInt64
    let incarnation: Int64
    let payload: [UInt8]

    private static let frontBytes = 24
    private static let partFlag: UInt32 = 1
    private static let continuesFlag: UInt32 = 2

    /// What stands in a spool for one frame: where it ends, whose life, flags, how long, then its payload.
    static func bytes(_ frame: LogFrame, _ payload: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(frontBytes + payload.count)
        func put(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { out.append(contentsOf: $0) }
        }
        put(frame.end)
        put(frame.incarnation)
        let continues = frame.flags & LogFrame.continuesPart != 0
        put((frame.kind == .part ? partFlag : 0) | (continues ? continuesFlag : 0))
        put(UInt32(payload.count))
        return out + payload
    }

    /// Each commit that is whole, in order.
    static func forEach(in path: String, _ body: (SpooledRecord) throws -> Void) throws {
        guard let file = FileHandle(forReadingAtPath: path) else { throw ArchiveFailure.missing(path) }
        defer { try? file.close() }
        var parts: [UInt8] = []
        while let front = try file.read(upToCount: frontBytes), front.count == frontBytes {
            func number<Value: FixedWidthInteger>(_ place: Int, _: Value.Type) -> Value {
                front.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Value.self)) }
            }
            let count = Int(number(20, UInt32.self))
            let payload = count == 0 ? [] : Array(try file.read(upToCount: count) ?? Data())
            guard payload.count == count else { throw ArchiveFailure.damaged(path) }
            let flags = number(16, UInt32.self)
            // A kill left parts without their commit: they are no part of the one that begins here.
            if flags & continuesFlag == 0 { parts = [] }
            if flags & partFlag != 0 {
                parts += payload
                continue
            }
            let whole = parts.isEmpty ? payload : parts + payload
            parts = []
            if whole.isEmpty { continue }
            try body(
                SpooledRecord(lsn: number(0, UInt64.self), incarnation: number(8, Int64.self), payload: whole))
        }
    }
}
