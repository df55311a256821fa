import Glibc
import Synchronization
import TenantRegistry
import TestSeeds

/// A disk for the node's log that is memory alone: it fails, fills up and holds syncs back where a test wants it to,
/// and leaves behind what a kill or a power cut would.
///
/// It keeps Linux' word on syncs: one covers what was written to the file before it began, by anybody; one that fails
/// leaves nobody knowing what is on the disk, is told once to each descriptor that was open, and a later one that
/// succeeds says nothing of it. Any thread.
final class SimulatedDisk: LogDisk {
    enum Call: Sendable { case write, read, sync, open, rename, remove, syncFolder }

    /// What becomes of sectors that no sync has covered.
    enum Fate: CaseIterable, Sendable { case lost, kept, torn }

    struct Write: Sendable {
        let number: Int
        let offset: Int
        let bytes: [UInt8]
    }

    struct File: Sendable {
        /// As a reader sees it, and as it certainly is on the disk.
        var seen: [UInt8] = []
        var synced: [UInt8] = []
        var unsynced: [Write] = []
        /// Of a sync that failed: no later one covers them.
        var doomed: [Write] = []
        var errors = 0
    }

    enum Change: Sendable {
        case make(String, Int)
        case rename(String, String)
        case remove(String)
    }

    /// All of it. A value, so that the disk at one moment can be kept.
    struct Image: Sendable {
        var files: [Int: File] = [:]
        var names: [String: Int] = [:]
        var syncedNames: [String: Int] = [:]
        var changes: [Change] = []
        var writes = 0
    }

    private let state: Mutex<SimulatedState>

    init(_ image: Image = Image()) {
        var state = SimulatedState()
        state.image = image
        state.nextFile = (image.files.keys.max() ?? 0) + 1
        self.state = Mutex(state)
    }

    // MARK: What a test asks for

    /// The `first`-th call of this kind from now on fails, and so many after it.
    func fail(_ call: Call, code: Int32 = EIO, at first: Int = 1, count: Int = 1) {
        state.withLock { state in
            state.failing = (call, code, first, count)
            state.seen = 0
        }
    }

    func heal() { state.withLock { $0.failing = nil } }

    /// The syncs of files with these numbers, counted from 1 from now on, wait for `release`.
    func holdSyncs(_ numbers: Int...) {
        state.withLock { state in
            state.held = Set(numbers)
            state.syncs = 0
            state.begun = []
            state.verdicts = [:]
        }
    }

    /// Waits until the sync has begun.
    func awaitSync(_ number: Int) { until { $0.begun.contains(number) } }

    func release(_ number: Int, fails: Bool = false) { state.withLock { $0.verdicts[number] = fails } }

    /// Before each call that changes something the disk as it is then.
    func atEachStep(_ see: (@Sendable (Image) -> Void)?) { state.withLock { $0.step = see } }

    var image: Image { state.withLock { $0.image } }
    var names: [String] { state.withLock { Array($0.image.names.keys) } }
    var bytesRead: Int { state.withLock { $0.bytesRead } }

    /// More bytes than these do not fit on the disk.
    func limit(bytes: Int) { state.withLock { $0.bytesMax = bytes } }

    /// Changes bytes of a file on the disk, as a bad disk would.
    func spoil(_ path: String, at offset: Int, _ bytes: [UInt8]) {
        state.withLock { state in
            guard let file = state.image.names[path] else { return }
            state.image.files[file]?.seen.put(bytes, at: offset)
            state.image.files[file]?.synced.put(bytes, at: offset)
        }
    }

    func bytes(_ path: String) -> [UInt8] {
        state.withLock { state in state.image.names[path].flatMap { state.image.files[$0]?.seen } ?? [] }
    }

    private func until(_ isSo: (SimulatedState) -> Bool) {
        while !state.withLock({ isSo($0) }) { usleep(50) }
    }

    // MARK: LogDisk

    private func run<Value>(
        _ call: Call, _ path: String, changes: Bool = true,
        _ body: (inout SimulatedState) -> Result<Value, LogDiskError>
    ) throws(LogDiskError) -> Value {
        let result: Result<Value, LogDiskError> = state.withLock { state in
            if changes, let see = state.step { see(state.image) }
            if let code = state.fails(call) { return .failure(LogDiskError(path, code)) }
            return body(&state)
        }
        return try result.get()
    }

    func names(in folder: String) throws(LogDiskError) -> [String] {
        try run(.open, folder, changes: false) { state in
            .success(
                state.image.names.keys.filter { $0.hasPrefix(folder + "/") }.map {
                    String($0.dropFirst(folder.count + 1))
                })
        }
    }

    func size(_ path: String) throws(LogDiskError) -> Int {
        try run(.open, path, changes: false) { state in
            guard let file = state.image.names[path] else { return .failure(LogDiskError(path, ENOENT)) }
            return .success(state.image.files[file]?.seen.count ?? 0)
        }
    }

    func open(_ path: String, isNew: Bool) throws(LogDiskError) -> Int32 {
        try run(.open, path, changes: isNew) { state -> Result<Int32, LogDiskError> in
            if isNew {
                guard state.image.names[path] == nil else { return .failure(LogDiskError(path, EEXIST)) }
                state.image.files[state.nextFile] = File()
                state.image.names[path] = state.nextFile
                state.image.changes.append(.make(path, state.nextFile))
                state.nextFile += 1
            }
            guard let file = state.image.names[path] else { return .failure(LogDiskError(path, ENOENT)) }
            state.nextHandle += 1
            state.open[state.nextHandle] = (file, state.image.files[file]?.errors ?? 0)
            return .success(state.nextHandle)
        }
    }

    func close(_ file: Int32) { state.withLock { _ = $0.open.removeValue(forKey: file) } }

    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogDiskError) {
        try run(.write, "\(file)") { state -> Result<Void, LogDiskError> in
            guard let number = state.open[file]?.file, var known = state.image.files[number] else {
                return .failure(LogDiskError("\(file)", EBADF))
            }
            let grown = max(0, offset + bytes.count - known.seen.count)
            let all = state.image.files.values.reduce(0) { $0 + $1.seen.count }
            guard grown == 0 || all + grown <= state.bytesMax else { return .failure(LogDiskError("\(file)", ENOSPC)) }
            // Nobody else holds the bytes: they are changed in place.
            state.image.files[number] = nil
            state.image.writes += 1
            known.unsynced.append(Write(number: state.image.writes, offset: offset, bytes: Array(bytes)))
            known.seen.put(Array(bytes), at: offset)
            state.image.files[number] = known
            return .success(())
        }
    }

    func read(
        _ file: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(LogDiskError) -> Int {
        try run(.read, "\(file)", changes: false) { state in
            guard let number = state.open[file]?.file, let known = state.image.files[number] else {
                return .failure(LogDiskError("\(file)", EBADF))
            }
            let count = max(0, min(buffer.count, known.seen.count - offset))
            known.seen.withUnsafeBytes { all in
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[offset..<offset + count]))
            }
            state.bytesRead += count
            return .success(count)
        }
    }

    func sync(_ file: Int32) throws(LogDiskError) {
        let (number, upTo): (Int, Int) = try run(.sync, "\(file)") { state -> Result<(Int, Int), LogDiskError> in
            state.syncs += 1
            state.begun.insert(state.syncs)
            guard state.open[file] != nil else { return .failure(LogDiskError("\(file)", EBADF)) }
            return .success((state.syncs, state.image.writes))
        }
        until { !$0.held.contains(number) || $0.verdicts[number] != nil }
        let error: LogDiskError? = state.withLock { state in
            guard let open = state.open[file] else { return LogDiskError("\(file)", EBADF) }
            return state.sync(file, open, upTo, fails: state.verdicts[number] ?? false)
        }
        if let error { throw error }
    }

    func rename(_ from: String, to: String) throws(LogDiskError) {
        try run(.rename, to) { state -> Result<Void, LogDiskError> in
            guard let file = state.image.names.removeValue(forKey: from) else {
                return .failure(LogDiskError(from, ENOENT))
            }
            state.image.names[to] = file
            state.image.changes.append(.rename(from, to))
            return .success(())
        }
    }

    func remove(_ path: String) throws(LogDiskError) {
        try run(.remove, path) { state -> Result<Void, LogDiskError> in
            if state.image.names.removeValue(forKey: path) != nil { state.image.changes.append(.remove(path)) }
            return .success(())
        }
    }

    func sync(folder: String) throws(LogDiskError) {
        try run(.syncFolder, folder) { state -> Result<Void, LogDiskError> in
            state.image.syncedNames = state.image.names
            state.image.changes = []
            return .success(())
        }
    }
}

/// Everything behind the disk's mutex.
private struct SimulatedState: Sendable {
    var image = SimulatedDisk.Image()
    var open: [Int32: (file: Int, errors: Int)] = [:]
    var nextHandle: Int32 = 100
    var nextFile = 1
    var failing: (call: SimulatedDisk.Call, code: Int32, at: Int, count: Int)?
    var seen = 0
    var held: Set<Int> = []
    var verdicts: [Int: Bool] = [:]
    var syncs = 0
    var begun: Set<Int> = []
    var step: (@Sendable (SimulatedDisk.Image) -> Void)?
    var bytesRead = 0
    var bytesMax = Int.max
}

extension SimulatedState {
    fileprivate mutating func fails(_ call: SimulatedDisk.Call) -> Int32? {
        guard let failing, failing.call == call else { return nil }
        seen += 1
        return seen >= failing.at && seen < failing.at + failing.count ? failing.code : nil
    }

    /// A sync ends that began when so many writes were made.
    fileprivate mutating func sync(
        _ handle: Int32, _ opened: (file: Int, errors: Int), _ upTo: Int, fails: Bool
    ) -> LogDiskError? {
        guard var file = image.files[opened.file] else { return nil }
        image.files[opened.file] = nil
        defer { image.files[opened.file] = file }
        let covered = file.unsynced.filter { $0.number <= upTo }
        file.unsynced.removeAll { $0.number <= upTo }
        if fails {
            file.errors += 1
            file.doomed += covered
        } else {
            for write in covered { file.synced.put(write.bytes, at: write.offset) }
        }
        guard file.errors > opened.errors else { return nil }
        open[handle] = (opened.file, file.errors)
        return LogDiskError("\(handle)", EIO)
    }
}

extension SimulatedDisk.Image {
    /// As kill -9 leaves it: the machine still knows everything.
    var killed: SimulatedDisk { SimulatedDisk(self) }

    /// As a power cut leaves it. `choose`: what becomes of a write that no sync covered; the fates' own choice else.
    func cut(
        _ fate: SimulatedDisk.Fate, _ chance: inout Seeded, keeping isKept: ((SimulatedDisk.Write) -> Bool)? = nil
    ) -> SimulatedDisk {
        var image = SimulatedDisk.Image()
        image.names = syncedNames
        for change in changes where fate == .kept || fate == .torn && chance.happens(oneIn: 2) {
            switch change {
            case .make(let name, let file): image.names[name] = file
            case .rename(let from, let to):
                if let file = image.names.removeValue(forKey: from) { image.names[to] = file }
            case .remove(let name): image.names[name] = nil
            }
        }
        image.syncedNames = image.names
        image.writes = writes
        for number in Set(image.names.values) {
            guard let file = files[number] else { continue }
            var bytes = file.synced
            let open = (file.doomed + file.unsynced).sorted { $0.number < $1.number }
            for write in open {
                let isWhole = isKept.map { $0(write) } ?? (fate == .kept)
                if isWhole {
                    bytes.put(write.bytes, at: write.offset)
                } else if fate == .torn, isKept == nil {
                    bytes.putSectors(write, &chance)
                }
            }
            image.files[number] = SimulatedDisk.File(seen: bytes, synced: bytes)
        }
        return SimulatedDisk(image)
    }
}

extension [UInt8] {
    fileprivate mutating func put(_ new: [UInt8], at offset: Int) {
        if count < offset + new.count { append(contentsOf: repeatElement(0, count: offset + new.count - count)) }
        withUnsafeMutableBytes { all in
            new.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: all[offset..<offset + new.count]).copyMemory(from: $0)
            }
        }
    }

    /// Some of its sectors.
    fileprivate mutating func putSectors(_ write: SimulatedDisk.Write, _ chance: inout Seeded) {
        var start = 0
        while start < write.bytes.count {
            let offset = write.offset + start
            let end = Swift.min(write.bytes.count, start + 512 - offset % 512)
            if chance.happens(oneIn: 2) { put(Array(write.bytes[start..<end]), at: offset) }
            start = end
        }
    }
}
