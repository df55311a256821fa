import Foundation

/// Small files of tenants that nobody uses are packed, so that a node has room for many of them (0054).
extension Fleet {
    /// In one round: a few milliseconds each, one after the other.
    private static let packedAtOnceMax = 100
    /// So many small files lie whole for each that may be open; beyond, the longest unused is packed.
    private static let wholeFilesPerOpen = 4

    /// Packs what is due. From the clock; `then` comes when the round is over, at once where one is under way.
    package func packResting(then: @escaping @Sendable () -> Void = {}) {
        guard let rest = options.restMilliseconds, !isStopping.load(ordering: .relaxed), resting.begin() else {
            return then()
        }
        let due = resting.due(
            now: monotonic.nanoseconds(), idleNanoseconds: UInt64(rest) * 1_000_000,
            filesMax: Self.wholeFilesPerOpen * pool.openFilesMax, atOnceMax: Self.packedAtOnceMax)
        pack(due[...]) { [self] in
            resting.end()
            // Whoever has nothing else to do goes on.
            let isLeft = due.count >= Self.packedAtOnceMax && !isStopping.load(ordering: .relaxed)
            if isLeft && !resting.isBusyElsewhere { packResting(then: then) } else { then() }
        }
    }

    private func pack(_ records: ArraySlice<TenantRecord>, _ then: @escaping @Sendable () -> Void) {
        guard let record = records.first, !isStopping.load(ordering: .relaxed) else { return then() }
        let goOn: @Sendable () -> Void = { [self] in pack(records.dropFirst(), then) }
        // What waits in memory, and what a use leaves behind, comes first; its turn comes again.
        let isLeft = !record.readLog.isSettled || record.isTouched.load(ordering: .relaxed) && isUsed(record)
        if isLeft && isServedHere(record.id) {
            flush(record, at: clock.now())
            return goOn()
        }
        record.lane.exclusively(
            { [self] control in
                pack(record, control)
                goOn()
            },
            orElse: { [self] _ in
                resting.drop(record.id)
                goOn()
            })
    }

    private func pack(_ record: TenantRecord, _ control: LaneControl<TenantStore>) {
        let path = data.tenantPath(record.id)
        guard record.lane.waiting == 0, !control.isFenced else { return }
        // What is large stays open as long as any.
        guard DataDirectory.size(of: path) ?? .max <= PackedFile.fileBytesMax else { return resting.drop(record.id) }
        control.closeFile()
        // What the log would play into it finds it whole.
        if let log, log.hasRecords(of: record.id) { return }
        do {
            _ = try PackedFile.pack(path)
            resting.drop(record.id)
        } catch {
            report("tenant \(record.id.text): its file at rest: \(error)")
        }
    }

    /// What a process before this one left whole. Looks through all folders of tenants: not on a loop.
    package func findResting() {
        guard options.restMilliseconds != nil else { return }
        for folder in (try? FileManager.default.contentsOfDirectory(atPath: data.tenantsFolder)) ?? [] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(data.tenantsFolder)/\(folder)")) ?? []
            for name in names where name.hasSuffix(DataDirectory.tenantSuffix) {
                let id = TenantID(text: String(name.dropLast(DataDirectory.tenantSuffix.count)))
                if let record = id.flatMap({ roster.tenant(id: $0) }) {
                    resting.take(record, now: monotonic.nanoseconds())
                }
            }
        }
    }
}
