/// When a file is to be asked again, by kind: milliseconds since 1970, `never` where nothing waits. A value.
package struct DueTimes: Sendable, Equatable {
    package static let never = Int64.max

    private var times = [Int64](repeating: DueTimes.never, count: DueKind.allCases.count)

    package init() {}

    package subscript(kind: DueKind) -> Int64 {
        get { times[kind.rawValue] }
        set { times[kind.rawValue] = newValue }
    }

    /// The earliest of all kinds; nil where nothing waits.
    package var first: (kind: DueKind, at: Int64)? { earliest(of: DueKind.allCases) }

    /// What a turn has to do at `now`, of these kinds: what a clock that was ahead put off is fetched back; else what
    /// has been due longest of all that is done in the file.
    package func turn(of kinds: [DueKind], at now: Timestamp) -> DueKind? {
        if let ahead = kinds.first(where: { isAhead($0, at: now) }) { return ahead }
        guard let first = earliest(of: kinds.filter { !$0.isOutbound }), first.at <= now.milliseconds else {
            return nil
        }
        return first.kind
    }

    private func isAhead(_ kind: DueKind, at now: Timestamp) -> Bool {
        self[kind] != Self.never && self[kind] > kind.latestTry(at: now).milliseconds
    }

    /// The earliest of these kinds.
    package func earliest(of kinds: [DueKind]) -> (kind: DueKind, at: Int64)? {
        var first: (kind: DueKind, at: Int64)?
        for kind in kinds where self[kind] < first?.at ?? Self.never { first = (kind, self[kind]) }
        return first
    }
}

/// How a tenant's file is asked for what falls due, given by TenantApp: the registry knows files, not services.
package struct DueSchema: Sendable {
    /// When the next item of a kind falls due; nil where none waits.
    package let next: @Sendable (TenantReader, DueKind) throws -> Timestamp?
    /// Does what is due of a kind, so many items at the most; how many it were. Of what is done outside the file it
    /// fetches back what lies behind the latest try.
    package let run: @Sendable (TenantTransaction, DueKind, Int) throws -> Int

    package init(
        next: @escaping @Sendable (TenantReader, DueKind) throws -> Timestamp?,
        run: @escaping @Sendable (TenantTransaction, DueKind, Int) throws -> Int
    ) {
        self.next = next
        self.run = run
    }

    /// Of files in which nothing happens by itself.
    package static let nothing = DueSchema(next: { _, _ in nil }, run: { _, _, _ in 0 })

    /// What the rows say now. A kind whose rows cannot be read is told, and keeps no other from its hour.
    package func times(_ tenant: TenantReader, report: (any Error, DueKind) -> Void) -> DueTimes {
        var times = DueTimes()
        for kind in DueKind.allCases {
            do {
                times[kind] = try next(tenant, kind)?.milliseconds ?? DueTimes.never
            } catch {
                report(error, kind)
            }
        }
        return times
    }
}
