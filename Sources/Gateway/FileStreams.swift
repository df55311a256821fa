import Foundation
import Glibc
import HTTPCore
import TenantRegistry

/// A file as an answer's body: read piece by piece on the pool for files, never on a loop.
///
/// `@unchecked Sendable`: one piece is under way at a time; the thread that reads it owns the descriptor.
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

/// A body on its way into a file: opened, written and closed on the pool for files, one piece at a time, never on a
/// loop.
///
/// `@unchecked Sendable`: the thread that writes the one piece under way owns the descriptor.
final class FileSink: BodySink, @unchecked Sendable {
    // Pieces come one after the other, each after the one before was resumed, and `finish` or `abort` after them all:
    // what follows has one owner at a time.
    private let path: String
    private let pool: BackgroundPool
    private let done: @Sendable (Result<String?, any Error>) -> Void
    private var descriptor: Int32 = -1
    private var failure: LaneFailure?
    private var written = 0

    /// `done` is given the file's path, nil where the body was empty, or why it could not be written.
    init(path: String, pool: BackgroundPool, done: @escaping @Sendable (Result<String?, any Error>) -> Void) {
        self.path = path
        self.pool = pool
        self.done = done
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func receive(_ piece: [UInt8], resume: @escaping @Sendable () -> Void) {
        let submitted = pool.submit { [self] in
            append(piece)
            resume()
        }
        if !submitted {
            failure = .tooManyWaiting
            resume()
        }
    }

    private func append(_ piece: [UInt8]) {
        if descriptor < 0 && failure == nil {
            descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor < 0 { failure = Self.failure(errno) }
        }
        var rest = piece[...]
        while failure == nil && !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { failure = Self.failure(errno) } else { rest = rest.dropFirst(count) }
        }
        written += piece.count
    }

    func finish() {
        let submitted = pool.submit { [self] in
            if let failure {
                unlink(path)
                done(.failure(failure))
            } else {
                done(.success(written == 0 ? nil : path))
            }
        }
        if !submitted { done(.failure(LaneFailure.tooManyWaiting)) }
    }

    private static func failure(_ code: Int32) -> LaneFailure {
        code == ENOSPC || code == EDQUOT ? .storageFull : .notCommitted
    }

    func abort() { _ = pool.submit { [path] in unlink(path) } }
}
