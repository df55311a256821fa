import Foundation
import TestTenants
import Testing

@testable import TenantRegistry

/// A clock that may have been ahead at a start (0068).
@Suite struct ClockDoubtTests {
    private let folder: TestFolder
    private let path: String
    private let steady = ManualMonotonicClock(nanoseconds: 1)
    private let now = TestNode.start

    init() throws {
        folder = try TestFolder()
        path = folder.file("past")
    }

    private func doubt(last: Timestamp) -> ClockDoubt? { ClockDoubt(in: path, now: now, last: last, steady: steady) }

    @Test("B2 G7 a doubt that cannot be written down stands all the same, and is written down once it can be")
    func unwritten() throws {
        let first = try #require(doubt(last: now.adding(days: -2)))
        #expect(first.hoursLeft == 24)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(doubt(last: now) == nil)
        first.note()
        #expect(doubt(last: now)?.hoursLeft == 24)
    }

    @Test("B2 G7 a doubt ends where a start finds nothing left of former logs: it is not one of what comes later")
    func nothingLeft() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(doubt(last: now.adding(days: -2)) != nil)
        #expect(doubt(last: now) != nil)
        let former = Fleet.doubtOfFormerPasts(
            nil, path, lastChange: 0, clock: ManualClock(now), monotonic: steady)
        #expect(former == nil)
        #expect(doubt(last: now) == nil)
    }
}
