extension TenantStore {
    /// What a batch changes outside the file once it is durable: nobody sees by any way what could still be lost.
    package struct Effects: LaneEffects {
        let record: TenantRecord?
        let head: AuditHead
        /// What the batch added to the tenant's use.
        let metered: MeterTallies
        /// Records of reads that the batch wrote.
        let reads: ReadLog.Batch?
        /// Its calls, where it has not written their hours itself.
        let usage: [UsageKey: UsageCount]
        let readLog: ReadLog
        let board: DueBoard?
        /// What the batch's writes make fall due.
        let due: [(DueKind, Int64)]
        let at: Timestamp
        /// What its jobs noted, in their order.
        let noted: [@Sendable () -> Void]

        package func run() {
            if let reads { readLog.kept(reads) }
            if !usage.isEmpty { readLog.count(usage, at: at) }
            if let record {
                record.meter.add(metered, upTo: head)
                if !due.isEmpty { board?.note(record, due) }
            }
            for effect in noted { effect() }
        }

        package func drop() { if let reads { readLog.putBack(reads) } }
    }
}
