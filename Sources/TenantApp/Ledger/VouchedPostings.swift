import CallKit
import HTTPCore
import SQLite
import TenantRegistry

/// What the audit chain says of one posting (`AuditDetail.notePosting`): `id book kind micros source>target`.
struct PostingVoucher: Equatable {
    let id: Int64
    let book: Book
    let kind: String
    let micros: Int64
    let source: String
    let target: String

    init?(_ text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 5, let id = Int64(parts[0]), let book = Book(name: String(parts[1])),
            let micros = Int64(parts[3])
        else { return nil }
        let accounts = parts[4].split(separator: ">", omittingEmptySubsequences: false)
        guard accounts.count == 2 else { return nil }
        self.id = id
        self.book = book
        kind = String(parts[2])
        self.micros = micros
        source = String(accounts[0])
        target = String(accounts[1])
    }

    /// Of every posting that a detail names, in its order; nil for one that cannot be read. The members of the detail
    /// itself: a text in it may say anything.
    static func all(in detail: JSON) -> [PostingVoucher?] {
        guard case .object(let members) = detail else { return [] }
        let postings = members.filter { $0.name == "posting" || $0.name.hasPrefix("posting_") }
        return postings.map { member -> PostingVoucher? in
            guard case .string(let text) = member.value else { return nil }
            return PostingVoucher(text)
        }
    }

    /// An account as postings name it.
    static func name(of account: LedgerAccount) -> String { "\(account.kind):\(account.resellerID)" }
}

/// Compares the ledger with what the chain vouches for: a posting that was changed, added or removed shows even where
/// entries, balances and orders were changed to agree with it. Both name postings in ascending order.
struct VouchedPostings {
    private var ids = AscendingIDs()
    private var strays: [Stray] = []

    /// A posting that was made at another time than its record says. Only a clock that was set while the call ran does
    /// that, or a machine that slept: the record behind it that lies elsewhere tells which way the clock went.
    private struct Stray {
        let posting: Int64
        let at: Timestamp
        let recordedAt: Timestamp
        let sequence: Int64

        func isExplained(by later: Timestamp) -> Bool {
            let earliest = min(recordedAt, later).adding(days: -VerifiedFile.callDays)
            return earliest <= at && at <= max(recordedAt, later).adding(days: VerifiedFile.callDays)
        }
    }

    private static func isNear(_ one: Timestamp, _ other: Timestamp) -> Bool {
        abs(one.milliseconds - other.milliseconds) <= VerifiedFile.callDays * Timestamp.millisecondsPerDay
    }

    private static let entries = Statement(
        """
        SELECT coalesce(a.kind || ':' || a.reseller_id, ''), e.amount
        FROM entry e LEFT JOIN ledger_account a ON a.id = e.account_id
        WHERE \(EntryPlaces.of("?1", "e")) ORDER BY e.id LIMIT 3
        """)

    mutating func take(
        _ detail: JSON, _ at: Timestamp, _ sequence: Int64, _ file: inout VerifiedFile
    ) throws {
        for voucher in PostingVoucher.all(in: detail) {
            guard let voucher else {
                file.report.add(.ledger, "audit", sequence, "What the row says of a posting cannot be read.")
                continue
            }
            switch ids.follow(voucher.id) {
            case .next: break
            case .after(let gap): try reportUnvouched(gap, &file)
            case .notAscending:
                file.report.add(
                    .ledger, "audit", sequence,
                    "The row vouches for posting \(voucher.id), which an earlier row has vouched for already.")
                continue
            }
            try compare(voucher, givenReference(of: voucher, in: detail), at, sequence, &file)
        }
    }

    /// The chain has a row of this time.
    mutating func pass(_ at: Timestamp, _ file: inout VerifiedFile) {
        guard !strays.isEmpty else { return }
        strays.removeAll { stray in
            if Self.isNear(stray.recordedAt, at) { return false }
            if !stray.isExplained(by: at) { Self.report(stray, &file) }
            return true
        }
    }

    mutating func finish(_ file: inout VerifiedFile) throws {
        if ids.last < .max { try reportUnvouched(ids.last + 1...(.max), &file) }
        for stray in strays { Self.report(stray, &file) }
    }

    private static func report(_ stray: Stray, _ file: inout VerifiedFile) {
        file.report.add(
            .ledger, "posting", stray.posting,
            "It was made at \(stray.at.text); audit row \(stray.sequence) says \(stray.recordedAt.text).")
    }

    private func reportUnvouched(_ gap: ClosedRange<Int64>, _ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            "SELECT id, kind FROM posting WHERE id BETWEEN ?1 AND ?2 ORDER BY id", .integer(gap.lowerBound),
            .integer(gap.upperBound)
        ) { row in
            let (id, kind) = (try row.int(), try row.text())
            file.report.add(
                .ledger, "posting", id,
                "No audit row vouches for this posting of kind \(kind): it was added, or its audit row is gone.")
            return true
        }
    }

    /// What an operator called its top-up or correction (O5). Other postings are called by what they charge for, or by
    /// their payment, which is compared with these.
    private func givenReference(of voucher: PostingVoucher, in detail: JSON) -> String? {
        guard [PostingKind.topUp, .correction].contains(where: { $0.rawValue == voucher.kind }),
            case .string(let reference)? = detail["reference"]
        else { return nil }
        return reference
    }

    private mutating func compare(
        _ voucher: PostingVoucher, _ reference: String?, _ at: Timestamp, _ sequence: Int64, _ file: inout VerifiedFile
    ) throws {
        let found = try file.connection.row(
            "SELECT book, kind, at, ?2 IS NULL OR reference IS ?2 FROM posting WHERE id = ?1", .integer(voucher.id),
            .optional(reference)
        ) {
            try (book: $0.int(), kind: $0.text(), at: $0.time(), hasReference: $0.bool())
        }
        guard let found else {
            file.report.add(
                .ledger, "posting", voucher.id,
                "The posting is missing: audit row \(sequence) vouches for \(voucher.kind) of \(file.amount(voucher.micros))."
            )
            return
        }
        if found.book != voucher.book.rawValue || found.kind != voucher.kind {
            let book = Book(rawValue: found.book)?.name ?? String(found.book)
            file.report.add(
                .ledger, "posting", voucher.id,
                "It is \(found.kind) in the \(book) book; audit row \(sequence) says \(voucher.kind) in the \(voucher.book.name) book."
            )
        }
        if !found.hasReference {
            file.report.add(
                .ledger, "posting", voucher.id, "Its reference is not the one that audit row \(sequence) says.")
        }
        if !Self.isNear(found.at, at) {
            let stray = Stray(posting: voucher.id, at: found.at, recordedAt: at, sequence: sequence)
            // As many as a report names.
            if strays.count < VerificationReport.findingsMax {
                strays.append(stray)
            } else {
                Self.report(stray, &file)
            }
        }
        let moved = try file.connection.rows(Self.entries, .integer(voucher.id)) {
            try Movement(account: $0.text(), micros: $0.int())
        }
        let (negated, overflow) = Int64(0).subtractingReportingOverflow(voucher.micros)
        let wanted = [
            Movement(account: voucher.source, micros: overflow ? 0 : negated),
            Movement(account: voucher.target, micros: voucher.micros),
        ]
        if moved != wanted {
            let entries = moved.map { "\(file.amount($0.micros)) on \($0.account)" }.joined(separator: ", ")
            file.report.add(
                .ledger, "posting", voucher.id,
                "Its entries move \(entries.isEmpty ? "nothing" : entries); audit row \(sequence) says "
                    + "\(file.amount(voucher.micros)) from \(voucher.source) to \(voucher.target).")
        }
    }

    private struct Movement: Equatable {
        let account: String
        let micros: Int64
    }
}
