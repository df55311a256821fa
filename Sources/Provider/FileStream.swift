import Foundation
import Glibc
import HTTPCore
import TenantRegistry

/// A file as an answer's body: read piece by piece on the pool for files, never on a loop.
///
/// `@unchecked Sendable`: one piece is under way at a time, so the descriptor has one owner at a time.
final class FileStream: ResponseStream, @unchecked Sendable {
    // `descriptor` is used by the one `next` under way; `deinit` closes it when the last reference goes.
    private static let pieceBytes = 256 << 10

    let length: Int
    private let descriptor: Int32
    private let pool: BackgroundPool

    /// `removesFile`: the name goes at once, the content with the last reader.
    init(path: String, pool: BackgroundPool, removesFile: Bool) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno))) }
        var status = stat()
        fstat(descriptor, &status)
        length = Int(status.st_size)
        self.pool = pool
        if removesFile { unlink(path) }
    }

    deinit { close(descriptor) }

    func next(_ give: @escaping @Sendable (ResponsePiece) -> Void) {
        let submitted = pool.submit { [self] in
            let bytes = [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            give(bytes.isEmpty ? .end : .bytes(bytes))
        }
        if !submitted { give(.failed) }
    }

    func cancel() {}
}
