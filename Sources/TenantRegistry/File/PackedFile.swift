import Compression
import Foundation
import Glibc

/// A small file at rest: the whole of it, deflated, under a name beside its own. A tenant without a row takes 239 pages
/// of SQLite, nearly all of them zeros, and 32 KiB so (0054).
///
/// Invariant: where the file lies it is the tenant, and what is packed beside it says nothing; where it does not lie,
/// what is packed is the tenant. So whatever stops the process at whichever step, one whole file is found. Runs on the
/// file's lane, while the file is closed.
enum PackedFile {
    static let suffix = ".packed"
    /// Half-written, and worth nothing.
    static let unfinishedSuffixes = [".packing", ".unpacking"]

    /// A larger one stays as it is: its pages are full, and whoever has written so much will come again.
    static let fileBytesMax: Int64 = 2 << 20
    /// One that deflates to no less stays too.
    static let packedBytesMax = 56 << 10

    /// Before the stream: what it is, and how large the file was.
    private static let magic = Array("TGPACK1\0".utf8)
    private static let headBytes = magic.count + 8

    /// The file, which is closed, is packed, and its name goes; false where it stays as it is. Throws without having
    /// taken anything away.
    static func pack(_ live: String) throws -> Bool {
        guard let size = DataDirectory.size(of: live), size > 0, size <= fileBytesMax else { return false }
        // What is beside it is part of it, or waits to take its place.
        for suffix in ["-wal", "-journal", FileSwap.decidedSuffix, FileSwap.beforeSuffix]
        where DataDirectory.size(of: live + suffix) ?? 0 > 0 { return false }
        // An empty WAL has no part of the file, and does not stay behind where the file goes.
        DataDirectory.remove(live + "-wal")
        let bytes = try contents(of: live)
        let packed = try magic + number(bytes.count) + Deflate.compress(bytes, level: 1)
        guard packed.count <= packedBytesMax else { return false }
        let new = live + unfinishedSuffixes[0]
        DataDirectory.remove(new)
        do {
            try DataDirectory.writeNew(packed, to: new)
            keepTime(of: live, on: new)
            try DataDirectory.rename(new, to: live + suffix)
            try DataDirectory.synchronise(folder: folder(of: live))
        } catch {
            DataDirectory.remove(new)
            throw error
        }
        // Where this is lost with the power, both lie there, and say the same.
        DataDirectory.remove(live)
        return true
    }

    /// The file lies there whole again, where it was packed. Before each opening.
    static func unpack(_ live: String) throws {
        let packed = live + suffix
        if DataDirectory.size(of: live) != nil {
            DataDirectory.remove(packed)
            return
        }
        // A WAL without its file: the file was taken away, and what is packed is older. An empty one is none.
        guard DataDirectory.size(of: packed) != nil, DataDirectory.size(of: live + "-wal") ?? 0 == 0 else { return }
        DataDirectory.remove(live + "-wal")
        let bytes = try read(packed)
        let new = live + unfinishedSuffixes[1]
        DataDirectory.remove(new)
        do {
            try DataDirectory.writeNew(bytes, to: new)
            try DataDirectory.rename(new, to: live)
        } catch {
            DataDirectory.remove(new)
            throw error
        }
        // Before the first commit, which is to the file that has its name now.
        try DataDirectory.synchronise(folder: folder(of: live))
        DataDirectory.remove(packed)
    }

    /// What the file has when it is whole; nil where nothing is packed.
    static func wholeBytes(of live: String) -> Int64? {
        guard let file = FileHandle(forReadingAtPath: live + suffix) else { return nil }
        defer { try? file.close() }
        guard let head = try? file.read(upToCount: headBytes) else { return nil }
        return size(in: Array(head)).map(Int64.init)
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let packed = try contents(of: path)
        guard let size = size(in: packed) else { throw TenantFileError.notATenantFile("what is packed is no file") }
        let bytes: [UInt8]
        do {
            bytes = try Deflate.decompress(Array(packed[headBytes...]), bytesMax: Int(fileBytesMax))
        } catch {
            throw TenantFileError.damaged("what is packed: \(error)")
        }
        guard bytes.count == size else { throw TenantFileError.damaged("what is packed is not all of it") }
        return bytes
    }

    private static func size(in bytes: [UInt8]) -> Int? {
        guard bytes.count >= headBytes, bytes.starts(with: magic) else { return nil }
        let size = bytes[magic.count..<headBytes].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return size <= UInt64(fileBytesMax) ? Int(size) : nil
    }

    private static func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt64(value).bigEndian) { Array($0) } }

    private static func contents(of path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DataDirectory.Failure.unusable(path, "it cannot be read")
        }
        return Array(data)
    }

    private static func folder(of path: String) -> String { (path as NSString).deletingLastPathComponent }

    /// When the tenant changed last is asked of its file after a crash (0030).
    private static func keepTime(of old: String, on new: String) {
        var status = stat()
        guard stat(old, &status) == 0 else { return }
        _ = utimensat(AT_FDCWD, new, [status.st_atim, status.st_mtim], 0)
    }
}
