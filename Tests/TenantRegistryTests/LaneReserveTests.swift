import SQLite
import TestTenants
import Testing

@testable import TenantRegistry

/// Room above a full quota, for what takes away and protects (P2).
@Suite struct LaneReserveTests {
    private static let quota: Int64 = 32
    let folder: TestFolder
    let pool = LanePool(workers: 2, openFilesMax: 10)

    init() throws { folder = try TestFolder() }

    private func scratch() -> ScratchLane {
        ScratchLane(folder.file("scratch.sqlite"), pool: pool, controls: ScratchControls(pageCountMax: Self.quota))
    }

    private func end(_ scratch: ScratchLane) throws {
        try scratch.exclusively { $0.closeFile() }.value()
        pool.close()
    }

    /// A row that fills a page by itself; the failure's name, nil where there was room.
    private func fill(_ scratch: ScratchLane, _ reserve: PageReserve = .none) throws -> String? {
        try scratch.submit(reserve: reserve) { try $0.insert(1, fillingBytes: 3_000) }.result().laneFailure?.name
    }

    private func pages(_ scratch: ScratchLane) throws -> Int64 {
        try scratch.submit(writes: false) { try $0.connection.pageCount }.value()
    }

    @Test("P2 each kind of reserve has its pages above a full quota and none more; whoever has none stays refused")
    func bounds() throws {
        let scratch = scratch()
        while try fill(scratch) == nil {}
        #expect(try fill(scratch) == "quotaReached")
        #expect(try pages(scratch) == Self.quota)
        for reserve in [PageReserve.resellers, .operators, .provider] {
            let before = try pages(scratch)
            #expect(try fill(scratch, reserve) == nil)
            #expect(try fill(scratch) == "quotaReached")
            while try fill(scratch, reserve) == nil {}
            #expect(try fill(scratch, reserve) == "quotaReached")
            let after = try pages(scratch)
            #expect(after > before && after <= Self.quota + reserve.pages)
        }
        try end(scratch)
    }

    @Test("P2 in one batch the reserve is its owner's alone; who finds room below the quota is served as ever")
    func batch() throws {
        let scratch = scratch()
        while try fill(scratch) == nil {}
        let gate = try scratch.hold()
        let jobs = [
            scratch.submit { try $0.insert(2) },
            scratch.submit(reserve: .operators) { try $0.insert(3, fillingBytes: 3_000) },
            scratch.submit { try $0.insert(4, fillingBytes: 3_000) },
        ]
        gate.open()
        let results = try jobs.map { try $0.result().laneFailure?.name }
        #expect(results == [nil, nil, "quotaReached"])
        #expect(try scratch.values().filter { $0 > 1 } == [2, 3])
        #expect(try pages(scratch) > Self.quota)
        try end(scratch)
    }

    @Test("P2 a file that lies in its reserve has the rest of it when it is opened again")
    func reopened() throws {
        let scratch = scratch()
        while try fill(scratch) == nil {}
        while try fill(scratch, .resellers) == nil {}
        let before = try pages(scratch)
        try scratch.exclusively { $0.closeFile() }.value()
        #expect(try pages(scratch) == before)
        #expect(try fill(scratch, .resellers) == "quotaReached")
        #expect(try fill(scratch) == "quotaReached")
        while try fill(scratch, .provider) == nil {}
        #expect(try pages(scratch) <= Self.quota + PageReserve.provider.pages)
        try end(scratch)
    }
}
