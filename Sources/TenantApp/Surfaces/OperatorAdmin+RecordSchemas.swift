import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// The audit log, usage, credit events and reviews.
extension OperatorAdmin.Schemas {
    static func audit(_ more: Parameter...) -> [Parameter] {
        [
            .from, .to, .query("key"), reseller, .query("status", .integer(100...599)), .query("account", .email),
            .query("action"), .query("request_id", .matching("^req_[0-9a-f]{32}$")), .query("order"),
            .query("changes", .one(of: ["true", "false"])), .query("object"), .query("product"),
            .query("author", .choice(AuditSearch.Author.self)),
            .query("without", .choice(AuditSearch.LeftOut.self)),
        ] + more
    }
    static let auditRecord = Schema.named(
        "AuditRecord",
        [
            "seq": .integer, "at": .time, "mode": .book, "key": .string.nullable, "reseller": .string.nullable,
            "account": .string.nullable, "action": .string, "status": .integer, "latency_us": .integer,
            "request_id": .string, "bytes_in": .integer, "bytes_out": .integer, "count": .integer,
            "detail": .object.nullable,
        ])
    struct SignedHead {
        let tenantID: TenantID
        let head: AuditHead
        let signature: [UInt8]
        let publicKey: [UInt8]
    }
    static let auditHead = Shape<SignedHead>([
        .member("tenant_id", \.tenantID.text), .member("head", \.head.text),
        .member("incarnation", \.head.incarnation), .member("seq", \.head.sequence), .member("hash", \.head.hash.hex),
        .member("signature") { Base64.encode($0.signature) }, .member("public_key") { Base64.encode($0.publicKey) },
        .member("algorithm", as: .one(of: ["Ed25519"])) { _ in "Ed25519" },
        .member("signed_text") { String(decoding: $0.head.signedBytes(of: $0.tenantID), as: UTF8.self) },
    ])
    /// What a reseller may ask of its own calls.
    static let ownCalls: [Parameter] = .page(
        .from, .to, .query("key"), .query("status", .integer(100...599)), .query("action"),
        .query("request_id", .matching("^req_[0-9a-f]{32}$")), .query("order"), UsageAnswers.callers)
    struct Usage {
        let row: UsageRow
        let reseller: String?
        let key: String?
        let begins: Timestamp
        let isHour: Bool

        init(row: UsageRow, period: UsageFilter.Period, names: AuditNames) {
            self.row = row
            reseller = names.resellers[row.place.resellerID]
            key = names.keys[row.place.keyID].flatMap { $0.isEmpty ? nil : $0 }
            isHour = period == .hour
            begins = isHour ? Timestamp(hour: row.place.period) : Timestamp(day: row.place.period)
        }
    }
    static let usage = Shape<Usage>(
        "Usage",
        [
            .part(usagePeriod) { $0 }, .member("key", \.key), .member("reseller", \.reseller),
            .member("route", \.row.place.action), .part(usageCounts) { $0 },
        ])
    private static let usagePeriod: [Shape<Usage>.Member] = [
        .member("day", as: .day) { String($0.begins.text.prefix(10)) },
        .member("hour") { $0.isHour ? $0.begins : nil },
    ]
    static let usageCounts: [Shape<Usage>.Member] = [
        .member("requests", \.row.requests), .member("refusals", \.row.refusals),
        .member("unauthorized", \.row.unauthorized), .member("forbidden", \.row.forbidden),
        .member("rate_limited", \.row.rateLimited), .member("other_refusals", \.row.otherRefusals),
        .member("orders", \.row.orders),
    ]
    private static let usageOfAll = Shape<Usage>("UsageOfPeriod", usagePeriod + usageCounts)
    static let usageTotals = Shape<[Usage]>([.list("data", usageOfAll) { $0 }])

    struct NamedCreditEvent {
        let event: CreditEvent
        let reseller: String?
        let key: String?

        init(_ event: CreditEvent, _ names: AuditNames) {
            self.event = event
            reseller = names.resellers[event.resellerID]
            key = names.keys[event.keyID]
        }
    }
    private static let creditMembers: [Shape<NamedCreditEvent>.Member] = [
        .member("id", \.event.publicID), .member("reseller", \.reseller), .member("key", \.key),
        .member("mode", \.event.book), .member("kind", as: .choice(CreditKind.self), \.event.kind),
        .member("amount", \.event.amount), .currency("currency"), .member("external_ref", \.event.externalRef),
        .rawObject("meta", \.event.meta), .member("at", \.event.at),
    ]
    static let creditEvent = Shape<NamedCreditEvent>("CreditEvent", creditMembers)
    struct CreditEventWithDifferences {
        let event: NamedCreditEvent
        let differences: [CreditDifference]
    }
    static let creditEventWithDifferences = Shape<CreditEventWithDifferences>([
        .part(creditMembers, \.event),
        .list(
            "differences",
            Shape([
                .member("kind", as: .string, \.kind), .member("amount", \.amount), .rawObject("meta", \.meta),
                .member("at", \.at),
            ]), \.differences),
    ])

    static let ledgerFile = Schema.file("text/csv", "application/jsonl")
    private static let tally: Schema = ["count": .integer, "amount": .decimal]
    private static let reportedLine: Schema = [
        "external_ref": .string, "kind": .string, "amount": .decimal, "at": .time,
    ]
    private static let ledgerLine = ["line": .integer] + reportedLine
    private static let eventLine = ["event": .string] + reportedLine
    static let reconciliation = Schema.named(
        "Reconciliation",
        [
            "id": .string, "status": .one(of: ["done"]), "reseller": .string, "mode": .book, "from": .time.nullable,
            "to": .time.nullable, "at": .time, "lines": .integer, "agrees": .boolean, "matched": tally,
            "missing_here": tally + ["items": .array(of: ledgerLine)],
            "missing_there": tally + ["items": .array(of: eventLine)],
            "differing": [
                "count": .integer, "amount_here": .decimal, "amount_there": .decimal,
                "items": .array(of: ["here": eventLine, "there": ledgerLine]),
            ], "currency": .string, "review": .string.nullable,
        ])
    static let runningReconciliation = Schema.named(
        "RunningReconciliation",
        [
            "id": .string, "status": .one(of: ["running"]), "reseller": .string, "mode": .book, "from": .time.nullable,
            "to": .time.nullable, "at": .time, "stage": .one(of: ["reading", "sorting", "comparing"]),
            "lines": .integer, "compared": .integer,
        ])
    static let listedReconciliation = Shape<StoredReconciliation>([
        .member("id", \.publicID), .member("status", as: .one(of: ["done"])) { _ in "done" },
        .member("reseller", \.resellerPublicID), .member("agrees", \.agrees), .member("at", \.at),
    ])
    static let review = Shape<AccountReview>(
        "Review",
        [
            .member("id", \.publicID), .member("reseller", \.resellerPublicID), .member("mode", \.book),
            .member("status", as: .choice(AccountReview.State.self)) {
                ($0.closedAt == nil ? AccountReview.State.open : .closed).rawValue
            },
            .member("cause", as: .string, \.cause), .member("subject", \.subject), .member("opened_at", \.openedAt),
            .member("closed_at", \.closedAt), .member("closed_by", \.closedBy), .member("note", \.note),
        ])
    static let closing = Body(Field.text("note", 1...CloseReview.noteCharactersMax))
}

/// Payments.
extension OperatorAdmin.Schemas {
    private static let overlap: Schema = [
        "overlap_seconds": .integer(0...ConfigurePayments.overlapSecondsMax).optional
    ]
    /// A node that may call private addresses takes plain http too. The secret is `whsec_` and 24 to 64 bytes in
    /// base64.
    static let newPaymentService = Schema.either(
        ["driver": .one(of: [PaymentDriverKind.sandbox.rawValue])] + overlap,
        [
            "driver": .one(of: [PaymentDriverKind.http.rawValue]), "create_url": .webhookURL,
            "api_key": Schema.matching("^[!-~]+$").with("minLength", .int(8)).with("maxLength", .int(512)),
            "webhook_secret": .matching("^whsec_[A-Za-z0-9+/]{32,86}={0,2}$"), "callback_url": .webhookURL.optional,
            "return_url": .webhookURL.optional,
        ] + overlap)
    static let paymentService = Shape<PaymentService>([
        .member("driver", \.driver), .member("create_url", \.createURL), .member("callback_url", \.callbackURL),
        .member("return_url", \.returnURL), .member("created_at", \.createdAt),
    ])
    struct PaymentNow {
        let payment: Payment
        let at: Timestamp
    }
    private static let paymentMembers: [Shape<PaymentNow>.Member] = [
        .member("id", \.payment.publicID), .member("order_id", \.payment.orderID), .member("mode", \.payment.book),
        .member("reseller", \.payment.resellerPublicID), .member("driver", \.payment.driver),
        .member("status") { $0.payment.state(at: $0.at) }, .member("amount", \.payment.amount),
        .currency("currency"), .member("provider_reference", \.payment.providerReference),
        .member("failure", \.payment.failure), .member("posting", \.payment.postingID),
        .member("created_at", \.payment.createdAt), .member("expires_at", \.payment.expiresAt),
        .member("decided_at", \.payment.decidedAt),
    ]
    static let payment = Shape<PaymentNow>("Payment", paymentMembers)
    struct PaymentWithDifferences {
        let payment: PaymentNow
        let differences: [PaymentDifference]
    }
    static let paymentWithDifferences = Shape<PaymentWithDifferences>([
        .part(paymentMembers, \.payment),
        .list(
            "differences",
            Shape([
                .member("status", \.status), .member("amount", \.amount), .member("currency", \.currency),
                .member("at", \.at),
            ]), \.differences),
    ])
}
