package import Cryptography
package import RateLimiter

extension TenantStore {
    /// What a file is opened with besides its path. A value.
    package struct Context: Sendable {
        package let clock: any WallClock
        package let random: any RandomSource
        package let metrics: LaneMetrics
        package let signingKey: SigningKey
        package let secretKey: [UInt8]
        package let readLog: ReadLog
        package let record: TenantRecord?
        /// Tables whose rows the chain vouches for.
        package let vouched: VouchedShapes?
        package let budgets: Budgets
        package let board: DueBoard?
        /// Where the commits go; nil where each syncs by itself.
        package let sink: (any FileSink)?
        /// Whether the node believes its time of day now.
        package let believesClock: @Sendable () -> Bool
        package let report: @Sendable (String) -> Void

        package init(
            clock: any WallClock, random: any RandomSource, metrics: LaneMetrics, signingKey: SigningKey,
            secretKey: [UInt8], readLog: ReadLog, record: TenantRecord?, vouched: VouchedShapes?, budgets: Budgets,
            board: DueBoard? = nil, sink: (any FileSink)? = nil,
            believesClock: @escaping @Sendable () -> Bool, report: @escaping @Sendable (String) -> Void
        ) {
            self.sink = sink
            self.believesClock = believesClock
            self.vouched = vouched
            self.budgets = budgets
            self.board = board
            self.report = report
            self.record = record
            self.clock = clock
            self.random = random
            self.metrics = metrics
            self.signingKey = signingKey
            self.secretKey = secretKey
            self.readLog = readLog
        }
    }
}
