import Glibc
import Synchronization
import TenantRegistry
import TestSeeds
import Testing

/// Random days of the node's log, and what every crash in them leaves.
@Suite(.serialized, .apart) struct NodeLogStormTests {
    /// The disk before a call that changes it, and what was known then.
    private struct Picture: Sendable {
        let image: SimulatedDisk.Image
        let known: LogModel.Books
    }

    private func work(_ log: NodeLog, _ model: LogModel, _ chance: inout Seeded, steps: Int) {
        for _ in 0..<steps {
            let tenant = chance.pick(model.tenants)
            switch chance.below(12) {
            case 0: model.mark(log, tenant)
            case 1: settle(log)
            case 2 where chance.happens(oneIn: 4): model.append(log, tenant, [UInt8](repeating: 5, count: 150_000))
            default: model.append(log, tenant, LogScene.payload(&chance))
            }
        }
        settle(log)
    }

    /// Until nothing is on its way.
    private func settle(_ log: NodeLog) {
        while true {
            let standing = log.standing
            if standing.isFailed || standing.durable == standing.end { return }
            usleep(20)
        }
    }

    private func settings(_ chance: inout Seeded) -> LogSettings {
        LogScene.settings(inFlight: chance.pick(1...4), paceMicroseconds: chance.pick([0, 0, 200]))
    }

    private func open(_ disk: SimulatedDisk, _ chance: inout Seeded) throws -> NodeLog {
        try NodeLog(folder: LogScene.folder, settings: settings(&chance), disk: disk)
    }

    private func shape(_ log: NodeLog) -> String {
        log.segments.map { "\($0.number): \($0.after) \($0.first)…\($0.end ?? 0), epoch \($0.epoch)" }
            .joined(separator: "; ")
    }

    /// Opens what a crash left, checks it, works on, crashes again, checks again.
    private func judge(_ picture: Picture, _ model: LogModel, _ disk: SimulatedDisk, _ chance: inout Seeded) throws
        -> String?
    {
        let log = try open(disk, &chance)
        if let fault = try model.fault(in: log, since: picture.known) {
            let shape = shape(log)
            log.close(clean: false)
            return "\(fault): \(shape)"
        }
        guard log.gaps == [] else { return "a gap: \(log.gaps)" }
        let more = LogModel(tenants: 2)
        work(log, more, &chance, steps: 6)
        let known = more.known
        let again = try open(disk.image.cut(chance.pick(SimulatedDisk.Fate.allCases), &chance), &chance)
        // What the second day wrote, on top of what the first one left.
        let found = try more.read(again)
        for record in known.records where record.outcome == .durable && record.lsn > (known.marks[record.tenant] ?? 0) {
            if !(found[record.tenant] ?? []).contains(where: { $0.lsn == record.lsn && $0.payload == record.payload }) {
                return "\(record.lsn) of the second day is lost"
            }
        }
        defer {
            log.close(clean: false)
            again.close(clean: false)
        }
        return again.gaps == [] ? nil : "a gap on the second day: \(again.gaps): \(shape(log)), then \(shape(again))"
    }

    @Test(
        "B1 a cut before any change of the disk, with sectors lost, kept or torn, and a kill: all that was told is there, and nothing stands behind a hole"
    )
    func everyStep() throws {
        var chance = Seeded(state: Effort.seed)
        let disk = SimulatedDisk()
        let model = LogModel(tenants: 4)
        let pictures = Mutex<[Picture]>([])
        disk.atEachStep { image in
            // What was told is read first: it is on the disk already.
            let known = model.known
            pictures.withLock { $0.append(Picture(image: image, known: known)) }
        }
        let log = try open(disk, &chance)
        work(log, model, &chance, steps: 60)
        disk.atEachStep(nil)
        log.close(clean: false)
        let all = pictures.withLock { $0 }
        for place in Effort.places(upTo: all.count, short: 8) {
            let picture = all[place - 1]
            for fate in SimulatedDisk.Fate.allCases {
                let fault = try judge(picture, model, picture.image.cut(fate, &chance), &chance)
                #expect(fault == nil, "\(Effort.replay()) cut before change \(place), \(fate)")
            }
            let fault = try judge(picture, model, picture.image.killed, &chance)
            #expect(fault == nil, "\(Effort.replay()) killed before change \(place)")
        }
    }

    @Test("B1 storms: writes, syncs, renames that fail once or for a while, and a crash at the end")
    func storms() throws {
        // In the first a commit straddles the floor, and the mark behind it became void.
        for seed in [32_910_001] + Effort.seeds(8, long: 2_000) {
            var chance = Seeded(state: seed)
            let disk = SimulatedDisk()
            let model = LogModel(tenants: chance.pick(1...5))
            let log = try open(disk, &chance)
            for _ in 0..<chance.pick(1...3) {
                if chance.happens(oneIn: 2) {
                    let calls: [SimulatedDisk.Call] = [.sync, .write, .rename, .open, .syncFolder, .remove]
                    disk.fail(
                        chance.pick(calls), code: chance.pick([EIO, ENOSPC]), at: chance.pick(1...6),
                        count: chance.pick(1...4))
                }
                work(log, model, &chance, steps: chance.pick(10...60))
                disk.heal()
                if chance.happens(oneIn: 2) { while log.room == .failed { usleep(50) } }
            }
            let picture = Picture(image: disk.image, known: model.known)
            let cut = picture.image.cut(chance.pick(SimulatedDisk.Fate.allCases), &chance)
            log.close(clean: chance.happens(oneIn: 2))
            let fault = try judge(picture, model, cut, &chance)
            #expect(fault == nil, "\(Effort.replay(seed))")
        }
    }
}
