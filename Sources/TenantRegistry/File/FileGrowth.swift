/// For whose writes a file grows, as nearly as pages tell: what it has grown by since it was last measured is shared
/// among those who wrote meanwhile, by how much each call brought and took away. Belongs to the file's lane.
///
/// An estimate, and right in the long run. It costs a look at the file's size now and then, and no row by row
/// accounting.
struct FileGrowth {
    private static let batchesMax = 64
    /// What a call leaves beside what it brought: its audit row, its place in indexes.
    private static let bytesOfCall = 1_024
    /// A read in a block of the audit log.
    private static let bytesOfRead = 32

    private var weights: [Int64: Int] = [:]
    private var batches = 0
    private var pages: Int64
    /// By reseller; what the file does not say yet.
    private(set) var bytes: [Int64: Int64] = [:]

    init(pages: Int64) { self.pages = pages }

    var isDue: Bool { batches >= Self.batchesMax }

    mutating func note(_ records: [AuditRecord], reads: [UsageKey: UsageCount]?) {
        if records.isEmpty, reads == nil { return }
        batches += 1
        for record in records {
            weights[record.resellerID, default: 0] += Self.bytesOfCall + record.bytesIn + record.bytesOut
        }
        for (key, count) in reads ?? [:] { weights[key.resellerID, default: 0] += Self.bytesOfRead * count.requests }
    }

    mutating func measure(pages now: Int64, pageBytes: Int) {
        defer {
            pages = now
            weights.removeAll(keepingCapacity: true)
            batches = 0
        }
        let total = weights.values.reduce(0, +)
        guard now > pages, total > 0 else { return }
        let grown = Int128(now - pages) * Int128(pageBytes)
        for (reseller, weight) in weights where reseller != 0 {
            bytes[reseller, default: 0] += Int64(clamping: grown * Int128(weight) / Int128(total))
        }
    }

    mutating func take() -> [Int64: Int64] {
        defer { bytes = [:] }
        return bytes
    }
}
