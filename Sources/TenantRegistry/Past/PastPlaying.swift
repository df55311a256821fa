import SQLite

/// Commits on their way into a base, up to a moment.
struct PastPlaying {
    private let base: PastBase
    private let moment: Timestamp
    private var parts: [UInt8] = []
    private var sequence: UInt64 = 0
    /// The time of the first commit from after the moment.
    private(set) var over: Timestamp?
    var isOver: Bool { over != nil }

    init(_ base: PastBase, until moment: Timestamp) {
        self.base = base
        self.moment = moment
    }

    mutating func take(_ frame: PastFrame, _ replay: PageReplay) throws {
        guard !isOver, frame.lsn > base.lsn else { return }
        if frame.at > moment {
            over = frame.at
            return
        }
        guard frame.incarnation == base.incarnation else { return }
        if frame.isFirst { parts = [] }
        if frame.isPart {
            parts += frame.payload
            return
        }
        guard sequence == 0 || frame.sequence == sequence || frame.sequence == sequence + 1 else {
            throw PastFailure.gap
        }
        let whole = parts.isEmpty ? frame.payload : parts + frame.payload
        parts = []
        // What was kept is still in the log too.
        if frame.sequence == sequence { return }
        sequence = frame.sequence
        try whole.withUnsafeBytes { try replay.apply($0) }
    }
}
