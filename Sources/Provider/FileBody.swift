import CallKit
import Glibc
import HTTPCore
import TenantRegistry

/// A call's body on its way into a file: opened, written and closed on the pool for files, one piece at a time.
///
/// Invariant: the file goes with the body, unless the work that comes after it takes it over.
/// `@unchecked Sendable`: pieces come one after the other, then `finish` or `abandon`, then the work that `finish`
/// gives; whichever thread is at it owns everything here.
final class FileBody: BodyReader, @unchecked Sendable {
    typealias Next = @Sendable (FileBody, Steps) async throws -> Work

    private let path: String
    private let next: Next
    private let hasRoom: @Sendable () -> Bool
    private var descriptor: Int32 = -1
    private var failure: LaneFailure?
    private var isOurs = false
    private(set) var isEmpty = true

    /// `hasRoom`: whether the disk takes more; `next`: what is left to do once the file is there.
    init(path: String, hasRoom: @escaping @Sendable () -> Bool, then next: @escaping Next) {
        self.path = path
        self.hasRoom = hasRoom
        self.next = next
    }

    deinit { abandon() }

    func take(_ piece: [UInt8]) {
        if piece.isEmpty || failure != nil { return }
        isEmpty = false
        if !hasRoom() { return failure = .storageFull }
        if descriptor < 0 {
            descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor < 0 { return failure = Self.failure(errno) }
            isOurs = true
        }
        var rest = piece[...]
        while failure == nil && !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { failure = Self.failure(errno) } else { rest = rest.dropFirst(count) }
        }
    }

    func finish() -> Work {
        closeFile()
        return .flow { [self] steps in
            let outcome: Result<Work, any Error>
            do {
                if let failure { throw failure }
                outcome = .success(try await next(self, steps))
            } catch {
                outcome = .failure(error)
            }
            // A large file is long in going.
            try await steps.files { [self] in abandon() }
            return try outcome.get()
        }
    }

    func abandon() {
        closeFile()
        if isOurs { DataDirectory.remove(takeOver()) }
    }

    /// Where the file is: whoever asks sees to it from now on.
    func takeOver() -> String {
        isOurs = false
        return path
    }

    private func closeFile() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    private static func failure(_ code: Int32) -> LaneFailure {
        code == ENOSPC || code == EDQUOT ? .storageFull : .notCommitted
    }
}
