import Cryptography
import Foundation
import TenantApp
import TestTenants
import Testing

@testable import TenantRegistry

@Suite struct FormerPastTests {
    @Test("B2 G7 without a log, what one of before left stays for a day of running where the clock is ahead at starts")
    func aheadAtStarts() throws {
        let folder = try TestFolder()
        let path = folder.file("data")
        var options = Fleet.Options()
        options.commits = .log
        try TestNode(path, options: options).stop()
        let (clock, monotonic) = (ManualClock(SystemClock().now().adding(days: 40)), ManualMonotonicClock())
        /// Whether it is still there after a start and so many hours.
        func remains(hours: UInt64) throws -> Bool {
            let fleet = try Fleet(
                data: DataDirectory(path: path), schema: .app, options: Fleet.Options(), clock: clock,
                monotonic: monotonic, random: SeededRandom(seed: 1), report: { _ in })
            clock.advance(seconds: Int64(hours) * 3_600)
            monotonic.advance(nanoseconds: hours * 3_600_000_000_000)
            fleet.letGoFormerPasts()
            let isThere = !FormerPast.all(in: fleet.data.pastFolder).isEmpty
            fleet.stop()
            fleet.data.release()
            // The disk's clock is wrong as well.
            let written = Date(timeIntervalSince1970: Double(clock.now().milliseconds) / 1_000)
            try FileManager.default.setAttributes(
                [.modificationDate: written], ofItemAtPath: fleet.data.registryPath)
            return isThere
        }
        #expect(try remains(hours: 10))
        #expect(try remains(hours: 13))
        #expect(try !remains(hours: 1))
    }
}
