import Synchronization

/// Up to which row of a tenant's audit chain its use has been counted.
package struct MeterMark: Sendable, Equatable {
    package let incarnation: Int64
    package let sequence: Int64

    package init(incarnation: Int64, sequence: Int64) {
        self.incarnation = incarnation
        self.sequence = sequence
    }

    init(_ head: AuditHead) { self.init(incarnation: head.incarnation, sequence: head.sequence) }
}

/// What is to be added to the registry's figures: once, since it tells from where and up to where it counts.
package struct MeterSave: Sendable {
    let tenant: TenantID
    /// As the registry had it; nil where it never counted.
    let from: MeterMark?
    let to: MeterMark
    let tallies: MeterTallies
}

/// What a tenant used that the registry does not know yet (P9). Each commit adds its own, with the chain's head after
/// it. What a crash leaves uncounted, the chain's rows tell.
///
/// Invariant: `saved`'s figures, what is on its way, and `unsaved` count every row up to `head` once, but for `gap`.
/// Any thread.
final class TenantMeter: Sendable {
    private struct State {
        var unsaved = MeterTallies()
        /// Nil until the file was opened.
        var head: MeterMark?
        /// As the registry has it; nil where it never counted.
        var saved: MeterMark?
        /// Of unknown outcome, or under way: it is asked again before anything else.
        var pending: MeterSave?
        /// Rows of `head`'s incarnation that were committed and not counted.
        var gap: ClosedRange<Int64>?
        var stands: [QuotaKind: QuotaStand] = [:]
        /// Of the file when it was last looked at.
        var bytes: Int64?
        /// Something that quotas are judged by may have changed.
        var wantsLook = false
        /// Of the file when its keys and resellers were last counted.
        var countedEpoch: Int64?
    }

    private let state = Mutex(State())

    /// As the registry has it at start.
    func start(saved: MeterMark?, stands: [QuotaKind: QuotaStand]) {
        state.withLock { state in
            state.saved = saved
            state.stands = stands
        }
    }

    /// The tenant is another node's, which counts from what the registry has: all rows of the chain behind that.
    func forget() {
        state.withLock { state in
            (state.head, state.pending, state.gap, state.bytes) = (nil, nil, nil, nil)
            state.unsaved = MeterTallies()
        }
    }

    /// The file was opened, with this head. Rows that nobody counted are noted.
    func opened(_ head: AuditHead) {
        state.withLock { state in
            let mark = MeterMark(head)
            if let known = state.head ?? state.saved, known.incarnation == mark.incarnation,
                known.sequence < mark.sequence
            {
                let first = state.gap?.lowerBound ?? known.sequence + 1
                state.gap = first...mark.sequence
            }
            if state.gap?.upperBound ?? 0 > mark.sequence { state.gap = nil }
            state.head = mark
        }
    }

    /// A commit, and where the chain ends after it.
    func add(_ tallies: MeterTallies, upTo head: AuditHead) {
        let mark = MeterMark(head)
        state.withLock { state in
            guard !tallies.isEmpty || state.head != mark else { return }
            state.unsaved.add(tallies)
            state.head = mark
            state.wantsLook = true
        }
    }

    func wantLook() {
        state.withLock { state in
            state.wantsLook = true
            state.countedEpoch = nil
        }
    }

    /// Whether there is anything to be counted, saved or judged.
    var isDirty: Bool {
        state.withLock { $0.wantsLook || $0.gap != nil || $0.pending != nil || $0.head != $0.saved && $0.head != nil }
    }

    /// What the registry is told of the file's size.
    var bytes: Int64? { state.withLock { $0.bytes } }
    func measured(_ bytes: Int64) { state.withLock { $0.bytes = bytes } }

    var gap: ClosedRange<Int64>? { state.withLock { $0.gap } }

    /// What the rows of the gap told; it may have been closed, or have begun anew, meanwhile.
    func fill(_ gap: ClosedRange<Int64>, with tallies: MeterTallies) {
        state.withLock { state in
            guard state.gap == gap else { return }
            state.gap = nil
            state.unsaved.add(tallies)
        }
    }

    /// What the registry is to be told next; nil where it knows everything, or rows are still to be counted.
    func take(of tenant: TenantID) -> MeterSave? {
        state.withLock { state in
            if let pending = state.pending { return pending }
            guard state.gap == nil, let head = state.head, head != state.saved else { return nil }
            let save = MeterSave(tenant: tenant, from: state.saved, to: head, tallies: state.unsaved)
            state.unsaved = MeterTallies()
            state.pending = save
            return save
        }
    }

    func saved(_ save: MeterSave) {
        state.withLock { state in
            // It may have left and come back meanwhile, with what the registry knew then.
            guard state.pending?.to == save.to else { return }
            state.pending = nil
            state.saved = save.to
        }
    }

    /// The registry counts up to another place than was known, and has added nothing of the save: what is behind that
    /// place is counted from the chain.
    func recount(from mark: MeterMark?, insteadOf save: MeterSave) {
        state.withLock { state in
            // It became another node's meanwhile.
            guard let pending = state.pending, pending.to == save.to, let head = state.head else { return }
            (state.pending, state.saved) = (nil, mark)
            if let mark, mark.incarnation == head.incarnation, mark.sequence <= head.sequence {
                state.unsaved = MeterTallies()
                state.gap = mark.sequence < head.sequence ? (mark.sequence + 1)...head.sequence : nil
            } else {
                // No rows tell what is between the two: what was counted is all there is.
                var tallies = pending.tallies
                tallies.add(state.unsaved)
                state.unsaved = tallies
            }
        }
    }

    // MARK: Quotas

    /// Whether keys and resellers have to be counted anew: their projection has moved, or their quota was changed.
    func countsRows(at epoch: Int64) -> Bool {
        state.withLock { state in
            defer { state.countedEpoch = epoch }
            return state.countedEpoch != epoch
        }
    }

    var stands: [QuotaKind: QuotaStand] { state.withLock { $0.stands } }

    /// The stands after a look, and the levels that are to be told; nil where nothing changed.
    func look(_ uses: [QuotaUse], month: Int64) -> [(kind: QuotaKind, stand: QuotaStand, news: [Int64], use: QuotaUse)]
    {
        state.withLock { state in
            state.wantsLook = false
            return uses.compactMap { use in
                var stand = state.stands[use.kind] ?? QuotaStand()
                let before = stand
                let news = stand.look(use, month: month)
                return stand == before ? nil : (use.kind, stand, news, use)
            }
        }
    }

    /// The registry has it.
    func keep(_ stand: QuotaStand, of kind: QuotaKind) { state.withLock { $0.stands[kind] = stand } }
}
