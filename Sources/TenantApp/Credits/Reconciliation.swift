package import CallKit
package import TenantRegistry

/// One line of a reseller's own ledger.
package struct LedgerLine: Sendable, Equatable {
    package let line: Int
    package let externalRef: String
    package let kind: String
    package let amount: Money
    package let at: Timestamp

    package init(line: Int, externalRef: String, kind: String, amount: Money, at: Timestamp) {
        self.line = line
        self.externalRef = externalRef
        self.kind = kind
        self.amount = amount
        self.at = at
    }
}

/// One event that the reseller has reported here.
package struct ReportedEvent: Sendable, Equatable {
    package let publicID: String
    package let externalRef: String
    package let kind: String
    package let amount: Money
    package let at: Timestamp
    /// Within the time that the ledger is said to cover: only then is it missed in the ledger.
    package let isCovered: Bool

    package init(
        publicID: String, externalRef: String, kind: String, amount: Money, at: Timestamp, isCovered: Bool = true
    ) {
        self.publicID = publicID
        self.externalRef = externalRef
        self.kind = kind
        self.amount = amount
        self.at = at
        self.isCovered = isCovered
    }
}

/// Compares a reseller's ledger with what it has reported (O8). A line and an event match where reference, kind and
/// amount are the same; times are shown, not compared, since two clocks wrote them. A reference may stand several times
/// on both sides: each line matches one event.
///
/// Invariant: both sides are taken in the order of their references' bytes, the events of a reference before its lines.
/// So no more is held than the events of one reference, and as many lines. Pure: one thread at a time.
package struct Reconciliation: Sendable {
    /// So many of each kind of disagreement are listed; all are counted.
    package static let listedMax = 200

    package struct Tally: Sendable, Equatable {
        package var count = 0
        package var amount = Money.zero

        package init(count: Int = 0, amount: Money = .zero) {
            self.count = count
            self.amount = amount
        }

        mutating func add(_ money: Money) throws {
            count += 1
            amount = try amount.adding(money)
        }
    }

    package struct Pair: Sendable, Equatable {
        package let here: ReportedEvent
        package let there: LedgerLine
    }

    package private(set) var lineCount = 0
    package private(set) var matched = Tally()
    /// In the ledger and not reported here.
    package private(set) var missingHere = Tally()
    package private(set) var missingHereListed: [LedgerLine] = []
    /// Reported here and not in the ledger.
    package private(set) var missingThere = Tally()
    package private(set) var missingThereListed: [ReportedEvent] = []
    /// The same reference with another kind or amount: the amounts here and there.
    package private(set) var differingHere = Tally()
    package private(set) var differingThere = Tally()
    package private(set) var differingListed: [Pair] = []

    private var ref = ""
    /// Of this reference: events that no line has matched, and lines that may differ from them.
    private var events: [ReportedEvent] = []
    private var lines: [LedgerLine] = []

    package init() {}

    package var agrees: Bool { missingHere.count == 0 && missingThere.count == 0 && differingHere.count == 0 }

    /// Throws where a sum is larger than any amount can be, as the others do.
    package mutating func take(_ event: ReportedEvent) throws {
        try turn(to: event.externalRef)
        events.append(event)
    }

    package mutating func take(_ line: LedgerLine) throws {
        try turn(to: line.externalRef)
        lineCount += 1
        if let index = events.firstIndex(where: { $0.kind == line.kind && $0.amount == line.amount }) {
            events.remove(at: index)
            try matched.add(line.amount)
        } else if lines.count < events.count {
            lines.append(line)
        } else {
            try miss(line)
        }
    }

    package mutating func finish() throws { try settle() }

    /// By bytes, as the file's index has them: Swift's own order of texts is another.
    package static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private mutating func turn(to ref: String) throws {
        if ref.utf8.elementsEqual(self.ref.utf8) { return }
        try settle()
        self.ref = ref
    }

    /// Everything of one reference is known.
    private mutating func settle() throws {
        for (event, line) in zip(events, lines) {
            try differingHere.add(event.amount)
            try differingThere.add(line.amount)
            if differingListed.count < Self.listedMax { differingListed.append(Pair(here: event, there: line)) }
        }
        for event in events.dropFirst(lines.count) where event.isCovered {
            try missingThere.add(event.amount)
            if missingThereListed.count < Self.listedMax { missingThereListed.append(event) }
        }
        for line in lines.dropFirst(events.count) { try miss(line) }
        events = []
        lines = []
    }

    private mutating func miss(_ line: LedgerLine) throws {
        try missingHere.add(line.amount)
        if missingHereListed.count < Self.listedMax { missingHereListed.append(line) }
    }
}
