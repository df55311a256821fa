import Cryptography
import Foundation
import SQLite
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// Files of several tenants whose commits go to one log, while their past is kept; a model knows what each held when.
@Suite struct PastTests {
    @Test("B2 a tenant goes back to any moment: its rows are those of the last commit before it, no more and no less")
    func storm() throws {
        for seed in 1...(Effort.isLong ? 60 : 4) as ClosedRange<UInt64> {
            let storm = try PastStorm(seed: seed)
            for _ in 1...400 { try storm.act() }
            for _ in 1...40 { try storm.checkMoment() }
            try storm.restart()
            for _ in 1...20 { try storm.checkMoment() }
            storm.close()
        }
    }

    @Test("B2 what was kept goes after the retention, and every moment within it can still be reached")
    func retention() throws {
        let storm = try PastStorm(seed: 7)
        defer { storm.close() }
        for _ in 1...12 {
            for _ in 1...60 { try storm.act() }
            for tenant in storm.tenants { try storm.base(tenant) }
            storm.clock.advance(seconds: 86_400)
        }
        let before = storm.names.count
        storm.past.forget()
        #expect(storm.names.count < before)
        let reachable = storm.clock.now().adding(days: -Past.retentionDays)
        for tenant in storm.tenants { #expect(storm.past.begin(of: tenant.id) ?? storm.clock.now() <= reachable) }
        for _ in 1...60 { try storm.checkMoment(since: reachable) }
    }

    @Test("B2 a tenant that nobody used since the start wants a base after the retention too, and old pieces go")
    func idleOverStart() throws {
        let storm = try PastStorm(seed: 19)
        defer { storm.close() }
        let (busy, idle) = (storm.tenants[0], storm.tenants[1])
        try storm.commit(idle)
        for _ in 1...200 { try storm.commit(busy) }
        try storm.settle()
        try storm.past.keep()
        try storm.open()
        let first = try #require(storm.names.first { $0.hasSuffix("/1.piece") })
        #expect(!storm.past.wantsBase(idle.id, incarnation: 1, fileBytes: 1 << 30))
        storm.clock.advance(seconds: (Past.retentionDays + 1) * 86_400)
        #expect(storm.past.wantsBase(idle.id, incarnation: 1, fileBytes: 1 << 30))
        for tenant in storm.tenants { try storm.base(tenant) }
        storm.past.forget()
        #expect(storm.names.contains(first))
        storm.clock.advance(seconds: (Past.retentionDays + 1) * 86_400)
        storm.past.forget()
        #expect(!storm.names.contains(first))
    }

    @Test("B2 after a clock that leapt ahead was mended, no moment gives a state from before the leap for a later one")
    func leapt() throws {
        let storm = try PastStorm(seed: 23)
        defer { storm.close() }
        let tenant = storm.tenants[0]
        try storm.commitSurely(tenant)
        let before = storm.clock.now()
        storm.clock.advance(seconds: 60)
        try storm.commitSurely(tenant)
        let leapt = storm.clock.now()
        storm.clock.advance(seconds: 3_600)
        try storm.commitSurely(tenant)
        storm.clock.advance(seconds: -3_000)
        // It came ten minutes after the leap, and carries the time of an hour after it.
        try storm.commitSurely(tenant)
        try storm.settle()
        try storm.past.keep()
        func isRefused(_ moment: Timestamp) throws -> Bool {
            do {
                try storm.past.makeFile(of: tenant.id, at: moment, to: storm.folder.file("then"))
                return false
            } catch PastFailure.leapt {
                return true
            }
        }
        for _ in 1...2 {
            #expect(try !isRefused(before))
            #expect(try isRefused(leapt))
            #expect(try isRefused(leapt.adding(seconds: 500)))
            // Where the clock has come to by itself meanwhile.
            storm.pass(seconds: 7_200)
            try storm.past.keep()
            try storm.open()
        }
        try storm.commitSurely(tenant)
        try storm.settle()
        #expect(try !isRefused(leapt.adding(seconds: 3_600)))
    }

    @Test(
        "B2 a clock that falls behind for seconds takes no moment away once it is right again",
        arguments: [false, true])
    func fell(restarts: Bool) throws {
        let storm = try PastStorm(seed: 29)
        defer { storm.close() }
        let tenant = storm.tenants[0]
        try storm.commitSurely(tenant)
        storm.pass(seconds: 5)
        let before = storm.clock.now()
        storm.pass(seconds: 5)
        try storm.commitSurely(tenant)
        storm.clock.advance(seconds: -300 * 86_400)
        try storm.commitSurely(tenant)
        try storm.settle()
        func isNoted() throws -> Bool {
            try storm.past.keep()
            return storm.names.contains { $0.hasSuffix(".leap") }
        }
        // Nobody can know yet that it had not leapt ahead before.
        #expect(try isNoted())
        if restarts {
            try storm.open()
            #expect(try isNoted())
        }
        storm.pass(seconds: 8)
        storm.clock.advance(seconds: 300 * 86_400)
        try storm.commitSurely(tenant)
        try storm.settle()
        #expect(try !isNoted())
        try storm.past.makeFile(of: tenant.id, at: before, to: storm.folder.file("before"))
    }

    @Test("B2 where a kept piece is missing nothing is made of the rest, also if it had a tenant's first commits alone")
    func missing() throws {
        let storm = try PastStorm(seed: 11)
        defer { storm.close() }
        let (busy, quiet) = (storm.tenants[0], storm.tenants[1])
        try storm.commit(quiet)
        for _ in 1...200 { try storm.commit(busy) }
        try storm.commit(quiet)
        try storm.settle()
        try storm.past.keep()
        try storm.past.makeFile(of: quiet.id, at: storm.clock.now(), to: storm.folder.file("whole"))
        try storm.lose("1.piece")
        for tenant in [busy, quiet] {
            #expect(throws: PastFailure.self) {
                try storm.past.makeFile(of: tenant.id, at: storm.clock.now(), to: storm.folder.file("holed"))
            }
        }
    }

    @Test("B2 two failures of the log in a row lose no moment, neither before them nor after, over a start too")
    func failedTwice() throws {
        let disk = SimulatedDisk()
        let storm = try PastStorm(seed: 31, disk: disk)
        defer { storm.close() }
        func goOn() throws {
            for _ in 1...10 {
                storm.pass(seconds: 1)
                for tenant in storm.tenants { try storm.commit(tenant) }
            }
        }
        try goOn()
        try storm.settle()
        // Nothing becomes durable between them: the segment that the first one began is void, and so is its number.
        for _ in 1...2 { try storm.failSync(of: disk) }
        let numbers = storm.log.segments.map(\.number)
        #expect(zip(numbers, numbers.dropFirst()).contains { $0 + 1 < $1 })
        try goOn()
        for _ in 1...20 { try storm.checkMoment() }
        for _ in 1...10 { try goOn() }
        try storm.settle()
        try storm.past.keep()
        #expect(storm.names.count { $0.hasSuffix(".piece") } > numbers.count)
        for _ in 1...2 {
            for _ in 1...20 { try storm.checkMoment() }
            try storm.restart()
        }
        let lost = try #require(numbers.last)
        try storm.lose("\(lost).piece")
        #expect(throws: PastFailure.self) {
            try storm.past.makeFile(
                of: storm.tenants[0].id, at: storm.clock.now(), to: storm.folder.file("holed"))
        }
    }

    @Test("B2 P5 of a tenant that is gone nothing can be read, and another's key opens nothing of it")
    func erased() throws {
        let storm = try PastStorm(seed: 3)
        defer { storm.close() }
        for _ in 1...200 { try storm.act() }
        let gone = storm.tenants[0]
        storm.swapKeys(0, 1)
        #expect(throws: (any Error).self) {
            try storm.past.makeFile(of: gone.id, at: storm.clock.now(), to: storm.folder.file("other"))
        }
        storm.swapKeys(0, 1)
        storm.past.erase(gone.id)
        #expect(throws: PastFailure.self) {
            try storm.past.makeFile(of: gone.id, at: storm.clock.now(), to: storm.folder.file("gone"))
        }
        #expect(storm.names.allSatisfy { !$0.contains(gone.id.text) })
    }

    @Test("B2 P5 the past of a log before this one goes with the retention, and what it has of a tenant with it")
    func former() throws {
        let storm = try PastStorm(seed: 13)
        defer { storm.close() }
        for _ in 1...100 { try storm.act() }
        try storm.settle()
        try storm.past.keep()
        let old = Set(storm.names.filter { !$0.contains("/") })
        #expect(old.count == 1)
        func isOld(_ name: String) -> Bool { old.contains { name.hasPrefix($0) } }
        try storm.changeLog()
        let (gone, stays) = (storm.tenants[0], storm.tenants[1])
        #expect(storm.names.contains { isOld($0) && $0.contains(gone.id.text) })
        storm.past.erase(gone.id)
        #expect(storm.names.allSatisfy { !$0.contains(gone.id.text) })
        #expect(storm.names.contains { isOld($0) && $0.contains(stays.id.text) })
        storm.clock.advance(seconds: Past.retentionDays * 86_400 - 3_600)
        storm.past.forget()
        #expect(storm.names.contains(where: isOld))
        storm.clock.advance(seconds: 7_200)
        storm.past.forget()
        #expect(!storm.names.contains(where: isOld))
    }

    @Test("B2 the past of a log before this one that is older than the retention goes a day after the next is opened")
    func formerAtOpening() throws {
        let storm = try PastStorm(seed: 17)
        defer { storm.close() }
        let old = try #require(storm.names.first { !$0.contains("/") })
        storm.clock.advance(seconds: (Past.retentionDays + 1) * 86_400)
        try storm.changeLog()
        #expect(storm.names.contains { $0.hasPrefix(old) })
        storm.pass(seconds: 86_400)
        storm.past.forget()
        #expect(!storm.names.contains { $0.hasPrefix(old) })
    }

    @Test("B2 G7 where a start finds the log more than a day behind the clock, nothing goes before a day has passed")
    func aheadAtStart() throws {
        let storm = try PastStorm(seed: 31)
        defer { storm.close() }
        for _ in 1...4 {
            for _ in 1...60 { try storm.act() }
            for tenant in storm.tenants { try storm.base(tenant) }
            storm.clock.advance(seconds: 3_600)
        }
        let before = Set(storm.names)
        storm.clock.advance(seconds: 40 * 86_400)
        // Another start finds in the log what the wrong clock wrote there; what hours it has run count all the same.
        for seconds in [10 * 3_600, 13 * 3_600, 3_600 - 1] as [Int64] {
            try storm.restart()
            storm.pass(seconds: seconds)
            storm.past.forget()
            #expect(before.isSubset(of: storm.names))
        }
        storm.pass(seconds: 1)
        storm.past.forget()
        #expect(!before.isSubset(of: storm.names))
        #expect(!storm.names.contains { $0.hasSuffix("clock.doubted") })
    }

    @Test("B2 between a file's taking another's place and its first base there is no moment to go back to")
    func replaced() throws {
        let storm = try PastStorm(seed: 5)
        defer { storm.close() }
        for _ in 1...50 { try storm.act() }
        let tenant = storm.tenants[0]
        storm.clock.advance(seconds: 10)
        try storm.past.begins(tenant.id, incarnation: 2)
        storm.clock.advance(seconds: 10)
        #expect(throws: PastFailure.self) {
            try storm.past.makeFile(of: tenant.id, at: storm.clock.now(), to: storm.folder.file("none"))
        }
        try storm.past.makeFile(
            of: tenant.id, at: storm.clock.now().adding(seconds: -15), to: storm.folder.file("before"))
    }
}
