/// What a tier bounds (P2).
package enum QuotaKind: String, Sendable, CaseIterable {
    case bytes, requests, resellers, keys
}

/// How much of a quota is used.
package struct QuotaUse: Sendable {
    package let kind: QuotaKind
    package let used: Int64
    package let most: Int64

    package init(_ kind: QuotaKind, used: Int64, most: Int64) {
        self.kind = kind
        self.used = used
        self.most = most
    }

    /// 100 where all of it is used, 80 from four fifths on (rounded up), else 0. A quota of nothing warns of nothing.
    package var level: Int64 {
        guard most > 0 else { return 0 }
        if used >= most { return 100 }
        return used >= most - most / 5 ? 80 : 0
    }
}

/// Where a tenant stands in one quota, and what the provider's log was told of it (P9).
///
/// Invariant: each level is told once when it is reached. Reached again after it was left it is told again, but not in
/// the same month under the same quota: a count that swings fills no log. A value.
package struct QuotaStand: Sendable, Equatable {
    struct Told: Sendable, Equatable {
        let month: Int64
        let most: Int64
    }

    package private(set) var level: Int64
    var toldWarning: Told?
    var toldFull: Told?

    init(level: Int64 = 0, toldWarning: Told? = nil, toldFull: Told? = nil) {
        self.level = level
        self.toldWarning = toldWarning
        self.toldFull = toldFull
    }

    /// Takes over what is used now. Returns the levels that are to be told.
    mutating func look(_ use: QuotaUse, month: Int64) -> [Int64] {
        let (before, told) = (level, Told(month: month, most: use.most))
        level = use.level
        var news: [Int64] = []
        if before < 80, level >= 80, toldWarning != told {
            toldWarning = told
            news.append(80)
        }
        if before < 100, level >= 100, toldFull != told {
            toldFull = told
            news.append(100)
        }
        return news
    }
}
