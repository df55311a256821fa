import Foundation
import Glibc
import SQLite

/// Looks at a file before SQLite does: whose it is by its own bytes, without its WAL. On its lane, while the file is
/// closed.
///
/// SQLite cannot be asked: a WAL may hold the page that says whose file it is, and beside an empty file SQLite deletes
/// it.
enum FileIdentity {
    private static let magic = Array("SQLite format 3\0".utf8)
    /// `meta` is the first table of the schema, so its one row is on the second page.
    private static let metaPage = Connection.pageBytes..<2 * Connection.pageBytes

    /// Throws where the file is missing, is no database, or says that it is another tenant's. A page that no checkpoint
    /// has written yet says nothing: then the WAL is the file, and `TenantStore` asks it.
    static func check(_ path: String, isOf tenant: TenantID? = nil) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { throw TenantFileError.missing }
            throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: metaPage.upperBound)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno))) }
        guard bytes.starts(with: magic) else {
            throw TenantFileError.notATenantFile(count == 0 ? "it is empty" : "it is no SQLite file")
        }
        guard let tenant else { return }
        let meta = bytes[metaPage]
        guard meta.contains(where: { $0 != 0 }) else { return }
        if meta.firstRange(of: tenant.bytes) == nil { throw TenantFileError.anotherTenants }
    }
}
