import CallKit
import HTTPCore
import TenantRegistry

/// The audit log, usage, credit events and reviews.
extension OperatorAdmin.Schemas {
    static func audit(_ more: Parameter...) -> [Parameter] {
        [.from, .to, .query("key"), reseller, .query("status", .integer(100...599))] + more
    }
    /// Twelve bytes in base64url, the first bit zero.
    static let auditCursor = Parameter.query("cursor", .matching("^[A-Za-f][A-Za-z0-9_-]{15}$"))
    static let auditRecord = Schema.named(
        "AuditRecord",
        [
            "seq": .integer, "at": .time, "mode": .book, "key": .string.nullable, "reseller": .string.nullable,
            "account": .string.nullable, "action": .string, "status": .integer, "latency_us": .integer,
            "request_id": .string, "bytes_in": .integer, "bytes_out": .integer, "count": .integer,
            "detail": .object.nullable,
        ])
    static let auditHead: Schema = [
        "tenant_id": .string, "head": .string, "incarnation": .integer, "seq": .integer, "hash": .string,
        "signature": .string, "public_key": .string, "algorithm": .one(of: ["Ed25519"]), "signed_text": .string,
    ]
    /// Sixteen bytes and a route's name, in base64url.
    static let usageCursor = Parameter.query("cursor", .matching("^[A-Za-z0-9_-]{22,}$"))
    static let usage = Schema.named(
        "Usage",
        [
            "day": .day, "reseller": .string.nullable, "route": .string, "requests": .integer, "refusals": .integer,
            "orders": .integer,
        ])

    private static let creditMembers: Schema = [
        "id": .string, "reseller": .string.nullable, "key": .string.nullable, "mode": .book,
        "kind": .choice(CreditKind.self), "amount": .decimal, "currency": .string, "external_ref": .string,
        "meta": .object.nullable, "at": .time,
    ]
    static let creditEvent = Schema.named("CreditEvent", creditMembers)
    static let creditEventWithDifferences =
        creditMembers + [
            "differences": .array(
                of: ["kind": .string, "amount": .decimal, "meta": .object.nullable, "at": .time])
        ]

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
    static let listedReconciliation: Schema = [
        "id": .string, "status": .one(of: ["done"]), "reseller": .string, "agrees": .boolean, "at": .time,
    ]
    static let review = Schema.named(
        "Review",
        [
            "id": .string, "reseller": .string, "mode": .book, "status": .choice(AccountReview.State.self),
            "cause": .string, "subject": .string, "opened_at": .time, "closed_at": .time.nullable,
            "closed_by": .string.nullable, "note": .string.nullable,
        ])
    static let closing: Schema = ["note": .text(CloseReview.noteCharactersMax)]
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
    static let paymentService: Schema = [
        "driver": .choice(PaymentDriverKind.self), "create_url": .string.nullable, "callback_url": .string.nullable,
        "return_url": .string.nullable, "created_at": .time,
    ]
    private static let paymentMembers: Schema = [
        "id": .string, "order_id": .string, "mode": .book, "reseller": .string,
        "driver": .choice(PaymentDriverKind.self), "status": .choice(PaymentState.self), "amount": .decimal,
        "currency": .string, "provider_reference": .string.nullable, "failure": .string.nullable,
        "posting": .integer.nullable, "created_at": .time, "expires_at": .time, "decided_at": .time.nullable,
    ]
    static let payment = Schema.named("Payment", paymentMembers)
    static let paymentWithDifferences =
        paymentMembers + [
            "differences": .array(
                of: ["status": .string, "amount": .string, "currency": .string, "at": .time])
        ]
}
