import Glibc
import Synchronization

/// What a call of SQLite's asks of the disk.
package enum DiskCall: Int, Sendable, CaseIterable {
    case open, read, write, truncate, sync, delete, lock
}

/// What goes wrong.
package enum DiskFault: Sendable, CaseIterable {
    /// EIO; a write that fails so has not been made.
    case ioError
    /// ENOSPC, on writes; EIO elsewhere.
    case full
    /// Another program has the lock; EIO elsewhere.
    case busy
}

/// When it goes wrong: at the `first`-th call of these kinds from now on (counting from 1), and at the `count` calls
/// after.
package struct FaultPlan: Sendable {
    package var calls: Set<DiskCall>
    package var fault: DiskFault
    package var first: Int
    package var count: Int

    package init(_ calls: Set<DiskCall>, _ fault: DiskFault, at first: Int, count: Int = 1) {
        self.calls = calls
        self.fault = fault
        self.first = first
        self.count = count
    }
}

/// A folder whose SQLite files lie on a disk that fails where a test wants it to. The files are real ones, on the real
/// disk.
///
/// All calls come through the VFS that `install` makes SQLite's default; files outside of every such folder never
/// notice. Any thread: each call runs under `state`, so that an image of the folder is of one moment.
package final class FaultDisk: Sendable {
    package let folder: String
    let state: Mutex<DiskState>

    package init(_ folder: String) {
        self.folder = folder
        state = Mutex(DiskState())
        FaultVFS.install()
        FaultVFS.disks.withLock { $0[folder] = self }
    }

    deinit { FaultVFS.disks.withLock { _ = $0.removeValue(forKey: folder) } }

    /// From now on; nil: the disk is good again. Counts start anew.
    package func set(_ plan: FaultPlan?) {
        state.withLock { state in
            state.plan = plan
            state.seen = 0
            state.fired = 0
        }
    }

    /// Calls of the plan's kinds since `set`, failed or not.
    package var seen: Int { state.withLock { $0.seen } }

    /// How many calls have failed since `set`.
    package var fired: Int { state.withLock { $0.fired } }

    /// Before the `step`-th call that changes something, from now on, `take` sees the folder as kill -9 would leave it
    /// there.
    package func atStep(_ step: Int, _ take: @escaping @Sendable (DiskImage) -> Void) {
        state.withLock { state in
            state.steps = 0
            state.crashStep = step
            state.crash = take
        }
    }

    /// Calls that changed something since `atStep`.
    package var steps: Int { state.withLock { $0.steps } }

    /// The folder as kill -9 would leave it now.
    package func image<Value>(_ take: (DiskImage) throws -> Value) rethrows -> Value {
        try state.withLock { state in try take(DiskImage(folder: folder, unsynced: state.unsynced)) }
    }
}

/// Everything behind the disk's mutex.
struct DiskState {
    var plan: FaultPlan?
    var seen = 0
    var fired = 0
    var steps = 0
    var crashStep = 0
    var crash: (@Sendable (DiskImage) -> Void)?
    /// What a power cut may still take, oldest first.
    var unsynced: [FileIdentity: [Unsynced]] = [:]

    /// Whether this call fails, and how.
    mutating func fails(_ call: DiskCall) -> DiskFault? {
        guard let plan, plan.calls.contains(call) else { return nil }
        seen += 1
        guard seen >= plan.first, seen < plan.first + plan.count else { return nil }
        fired += 1
        return plan.fault
    }

    /// A call that changes something is about to be made.
    mutating func step(_ folder: String) {
        steps += 1
        guard steps == crashStep, let crash else { return }
        self.crash = nil
        crash(DiskImage(folder: folder, unsynced: unsynced))
    }

    /// `bytes` were at `offset` until now.
    mutating func changed(_ file: FileIdentity, at offset: Int64, length: Int64, from bytes: [UInt8], oldSize: Int64) {
        // What a failed sync left in doubt is written anew here: that part is settled by the next sync.
        var all: [Unsynced] = []
        for entry in unsynced[file] ?? [] {
            if entry.isDoomed { all += entry.outside(offset..<offset + length) } else { all.append(entry) }
        }
        all.append(Unsynced(offset: offset, old: bytes, length: length, oldSize: oldSize))
        unsynced[file] = all
    }

    /// After a sync that succeeded: only what an earlier failed one dropped is still in doubt.
    mutating func synced(_ file: FileIdentity) { unsynced[file]?.removeAll { !$0.isDoomed } }

    /// After one that failed: the kernel holds these pages for clean, and no later sync writes them.
    mutating func doomed(_ file: FileIdentity) {
        unsynced[file] = unsynced[file]?.map { entry in
            var entry = entry
            entry.isDoomed = true
            return entry
        }
    }
}

/// One file and not its successor of the same name.
struct FileIdentity: Hashable {
    let path: String
    let inode: UInt64

    /// The file that has this name now; nil where there is none.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.path = path
        inode = UInt64(status.st_ino)
    }
}

/// A change that a power cut may undo.
struct Unsynced {
    var offset: Int64
    /// As much of `length` as there was before; the rest lay past the end.
    var old: [UInt8]
    var length: Int64
    var oldSize: Int64
    var isDoomed = false

    /// What is left of it where `range` has been written over.
    func outside(_ range: Range<Int64>) -> [Unsynced] {
        let own = offset..<offset + length
        guard own.overlaps(range) else { return [self] }
        var parts: [Unsynced] = []
        if own.lowerBound < range.lowerBound { parts.append(part(of: own.lowerBound..<range.lowerBound)) }
        if range.upperBound < own.upperBound { parts.append(part(of: range.upperBound..<own.upperBound)) }
        return parts
    }

    private func part(of range: Range<Int64>) -> Unsynced {
        let from = Int(range.lowerBound - offset)
        let bytes = from < old.count ? Array(old[from..<min(old.count, from + range.count)]) : []
        return Unsynced(
            offset: range.lowerBound, old: bytes, length: Int64(range.count), oldSize: oldSize, isDoomed: isDoomed)
    }
}
