import CallKit
import HTTPCore
import TenantRegistry

/// How much of everything there is to be sold, and for how long (O4, O9).
extension OperatorAdmin {
    static let stockLevels: [Route] = [
        Route(
            .get, "/stock", "Count all stock, by product and by country", access: .administrator,
            parameters: [.mode, .query("kind", .choice(StockLevel.Kind.self))], gives: .read(Schemas.stockLevels)
        ) { call in
            let query = try call.query()
            let kind = try query.choice("kind", as: StockLevel.Kind.self)
            let count = StockCount(
                book: try query.mode(or: call.book), kinds: kind.map { [$0] } ?? StockLevel.Kind.allCases)
            return .flow { steps in
                let (levels, isPartial) = try await count.run(steps)
                let all = Schemas.StockLevels(levels: levels, isPartial: isPartial, book: count.book)
                return .answer(.json(Schemas.stockLevels, all, in: call.currency))
            }
        }
    ]
}

/// Counts a whole stock, a bounded number of rows at a step, so that no other call waits for it.
struct StockCount: Sendable {
    private static let rowsMax = 5_000
    /// So many rows of a kind are counted.
    static let countedMax = 500_000

    let book: Book
    let kinds: [StockLevel.Kind]

    func run(_ steps: Steps) async throws -> (levels: [StockLevel], isPartial: Bool) {
        var (levels, isPartial): ([StockLevel], Bool) = ([], false)
        for kind in kinds {
            var sums: [String: StockLevel] = [:]
            var (place, counted): (Int64?, Int) = (0, 0)
            while let after = place, counted < Self.countedMax {
                let (found, last) = try await steps.read {
                    try $0.stock(kind, book, after: after, rowsMax: Self.rowsMax)
                }
                for level in found { sums[level.name, default: StockLevel(kind: kind, name: level.name)].add(level) }
                counted += Self.rowsMax
                place = last
            }
            if place != nil { isPartial = true }
            // What the other book has alone is none of this one.
            levels += sums.values.filter { !$0.isNothing }.sorted { $0.name < $1.name }
        }
        return (levels, isPartial)
    }
}

extension OperatorAdmin.Schemas {
    struct StockLevels {
        let levels: [StockLevel]
        let isPartial: Bool
        let book: Book
    }
    private static let stockLevel = Shape<StockLevel>(
        "StockLevel",
        [
            .member("kind", \.kind), .member("product") { $0.kind == .ports ? nil : $0.name },
            .member("country") { $0.kind == .ports ? $0.name : nil }, .member("free", \.free),
            .member("expired", \.expired), .member("used", \.used), .member("withdrawn", \.withdrawn),
            .member("used_30_days", \.recent), .member("days_left", \.daysLeft),
        ])
    static let stockLevels = Shape<StockLevels>([
        .list("data", stockLevel, \.levels), .member("is_partial", \.isPartial), .member("mode", \.book),
    ])
}
