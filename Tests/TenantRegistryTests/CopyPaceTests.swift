import Testing

@testable import TenantRegistry

@Suite struct CopyPaceTests {
    @Test(
        "P11 a node is told from one at rest by its jobs, also where years of them lie between two backups",
        arguments: [
            (0, 100_000_000, false), (5, 100_000_000, false), (6, 100_000_000, true), (5, 99_999_999, true),
            (18_446_744_074, 1_000_000_000, true), (.max, .max, true), (0, .max, false),
        ] as [(UInt64, UInt64, Bool)])
    func busy(jobs: UInt64, nanoseconds: UInt64, isBusy: Bool) {
        #expect(CopyPace.isBusy(jobs: jobs, nanoseconds: nanoseconds) == isBusy)
    }
}
