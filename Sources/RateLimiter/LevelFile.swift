import Glibc

/// Keeps level snapshots in one file, so that a restart forgives nothing (G2).
///
/// Invariant: the path holds a whole snapshot or none; a new one is written beside it, synced and renamed over it. It
/// blocks on the disk: call it on a thread of its own, one call at a time for a path.
package enum LevelFile {
    package static let bytesMax = 1 << 30
    private static let chunkBytes = 1 << 20

    /// A failed system call.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let call: String
        package let errno: Int32

        package var description: String { "\(call): \(String(cString: strerror(errno)))" }
    }

    /// What a load found.
    package struct Loaded: Sendable, Equatable {
        package enum Outcome: Sendable, Equatable {
            case whole
            /// Empty, because there is no file: a first start.
            case missing
            /// Empty, because the file cannot be used; say so in the log.
            case damaged(String)
        }

        package let outcome: Outcome
        package let entries: [LevelSnapshot.Entry]
        /// Wall time since the snapshot: what to take off each debt. 0 where the clock has gone back.
        package let elapsedNanoseconds: UInt64
    }

    package static func save(_ snapshot: LevelSnapshot, to path: String) throws(Failure) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(call: "open", errno: errno) }
        do throws(Failure) {
            try write(snapshot.encoded(), to: descriptor)
            guard fdatasync(descriptor) == 0 else { throw Failure(call: "fdatasync", errno: errno) }
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        close(descriptor)
        guard rename(temporary, path) == 0 else { throw Failure(call: "rename", errno: errno) }
    }

    /// Never fails: what cannot be read starts empty, and the outcome says so. `wallMilliseconds`: now.
    package static func load(from path: String, wallMilliseconds: Int64) -> Loaded {
        let bytes: [UInt8]
        do throws(Failure) {
            bytes = try read(path)
        } catch {
            let outcome: Loaded.Outcome =
                error.errno == ENOENT ? .missing : .damaged("\(error)")
            return Loaded(outcome: outcome, entries: [], elapsedNanoseconds: 0)
        }
        do throws(LevelSnapshot.Damage) {
            let snapshot = try LevelSnapshot(decoding: bytes)
            let elapsed = elapsedNanoseconds(from: snapshot.wallMilliseconds, to: wallMilliseconds)
            return Loaded(outcome: .whole, entries: snapshot.entries, elapsedNanoseconds: elapsed)
        } catch {
            return Loaded(outcome: .damaged("\(error)"), entries: [], elapsedNanoseconds: 0)
        }
    }

    /// 0 where the clock has gone back.
    package static func elapsedNanoseconds(from start: Int64, to end: Int64) -> UInt64 {
        let (milliseconds, overflow) = end.subtractingReportingOverflow(start)
        guard !overflow, milliseconds > 0 else { return 0 }
        let (nanoseconds, tooLong) = UInt64(milliseconds).multipliedReportingOverflow(by: 1_000_000)
        return tooLong ? .max : nanoseconds
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws(Failure) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[offset...])
                return Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(call: "write", errno: errno) }
            offset += count
        }
    }

    private static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(call: "open", errno: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: chunkBytes)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(call: "read", errno: errno) }
            if count == 0 { return bytes }
            guard bytes.count + count <= bytesMax else { throw Failure(call: "read", errno: EFBIG) }
            bytes += chunk[..<count]
        }
    }
}
