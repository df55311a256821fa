import CallKit
import Foundation
import HTTPCore
import RateLimiter
import Synchronization
import TenantRegistry

/// A large body on its way to a route that reads it whole: written to a file in `DATA/tmp` as it comes, read into
/// memory when its turn has come. So many uploads at once cost disk, not memory.
///
/// Invariant: the file is removed once, by whoever ends it. `@unchecked Sendable`: `file` and `failure` belong to the
/// one piece under way, and to `finish` behind them all.
final class SpooledBody: BodySink, @unchecked Sendable {
    typealias Run = @Sendable (_ body: [UInt8], _ turn: ImportLine.Turn) -> Void

    private let payer: Payer
    private let fleet: Fleet
    private let line: ImportLine
    private let room: SharedRoom
    private let path: String
    private let run: Run
    private let refuse: @Sendable (Refusal) -> Void
    private var file: FileHandle?
    private var bytes = 0
    private var failure: Refusal?
    private let hasGap = Atomic<Bool>(false)

    /// `room`: of the scratch folder. `run` is called with the whole body, or `refuse` once.
    init(
        _ payer: Payer, _ fleet: Fleet, _ line: ImportLine, _ room: SharedRoom, run: @escaping Run,
        refuse: @escaping @Sendable (Refusal) -> Void
    ) {
        self.payer = payer
        self.fleet = fleet
        self.line = line
        self.room = room
        self.run = run
        self.refuse = refuse
        path = fleet.data.temporaryPath(fleet.random.uint64())
    }

    deinit {
        try? file?.close()
        DataDirectory.remove(path)
    }

    func receive(_ piece: [UInt8], resume: @escaping @Sendable () -> Void) {
        let submitted = fleet.files.submit(of: payer) { [self] in
            write(piece)
            resume()
        }
        if !submitted {
            hasGap.store(true, ordering: .relaxed)
            resume()
        }
    }

    private func write(_ piece: [UInt8]) {
        guard failure == nil, !hasGap.load(ordering: .relaxed) else { return }
        bytes += piece.count
        guard room.grow(to: bytes) else {
            failure = .unavailable(.scratchFull)
            return
        }
        do {
            if file == nil {
                try DataDirectory.writeNew([], to: path, isSynced: false)
                file = FileHandle(forWritingAtPath: path)
            }
            guard let file else { throw DataDirectory.Failure.unusable(path, "it cannot be opened") }
            try file.write(contentsOf: piece)
        } catch {
            fleet.report("import: \(error)")
            failure = .unavailable(.storageFull)
        }
    }

    func finish() {
        let submitted = fleet.files.submit(of: payer) { [self] in
            if let failure { return refuse(failure) }
            if hasGap.load(ordering: .relaxed) { return refuse(.busy) }
            let waits = line.wait(payer) { [self] turn in
                if !fleet.files.submit(of: payer, { self.read(turn) }) { refuse(.busy) }
            }
            if !waits { refuse(.busy) }
        }
        if !submitted { refuse(.busy) }
    }

    private func read(_ turn: ImportLine.Turn) {
        guard bytes > 0 else { return run([], turn) }
        do {
            try file?.close()
            file = nil
            let body = [UInt8](try Data(contentsOf: URL(filePath: path)))
            guard body.count == bytes else { throw DataDirectory.Failure.unusable(path, "it is not what was written") }
            DataDirectory.remove(path)
            run(body, turn)
        } catch {
            fleet.report("import: \(error)")
            refuse(.unavailable(.storageFull))
        }
    }

    func abort() {
        // The file goes with the last piece under way.
        hasGap.store(true, ordering: .relaxed)
    }
}
