import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// Resellers: inviting, reading, terms, moves, signing secrets (O3).
extension OperatorAdmin {
    static let resellers: [Route] = [
        Route(
            .post, "/resellers", "Invite a reseller", access: .administrator, idempotency: .accepted,
            takes: Schemas.invitation, gives: .made(Schemas.invited), refuses: [409]
        ) { call in
            var fields = try call.fields()
            let application = ResellerApplication(reading: &fields, password: .optional)
            let hasPassword = fields.has("password") && !fields.isNull("password")
            try fields.finish()
            guard let application else { throw Refusal.defect }
            let token = hasPassword ? nil : InviteReseller.Token(random: call.services.random)
            return .background {
                let invite = InviteReseller(application: try application.hashed(call.services), token: token)
                return .write { tenant, detail in
                    let made = try invite.run(tenant, &detail)
                    return try .shownOnce(201) { json, isShown in
                        try encode(made.reseller, tenant, &json)
                        guard isShown else { return }
                        json.field("webhook_secret", made.webhookSecret)
                        if let token { json.field("invitation_url", "\(call.baseURL)/invite/\(token.text)") }
                    }
                }
            }
        },
        Route(
            .get, "/resellers", "List resellers", access: .administrator,
            parameters: .page(.query("status", .resellerState)), gives: .list(Schemas.resellerAnswer)
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let state = try query.resellerState("status")
            return .read { tenant in
                let rows = try tenant.resellers(state: state, after: page.after, limit: page.fetch)
                return try page.answer(rows, id: \.id) { reseller, json in try encode(reseller, tenant, &json) }
            }
        },
        Route(
            .get, "/resellers/{id}", "Read a reseller", access: .administrator,
            gives: .read(Schemas.resellerWithBalance)
        ) { call in
            .read { tenant in
                let reseller = try tenant.knownReseller(call.parameters[0])
                return try .json { json in
                    try encode(reseller, tenant, &json)
                    try writeBalance(of: reseller, book: call.book, tenant, &json)
                }
            }
        },
        Route(
            .patch, "/resellers/{id}", "Change a reseller's terms", access: .administrator, takes: Schemas.termsChange,
            gives: .done(Schemas.resellerAnswer), refuses: [409]
        ) { call in
            let change = try terms(call)
            return .write { tenant, detail in
                let reseller = try change.run(tenant, &detail)
                return try .json { json in try encode(reseller, tenant, &json) }
            }
        },
        Route(
            .post, "/resellers/{id}/webhook-secret/rotate", "Give a reseller a new signing secret",
            access: .administrator, idempotency: .accepted, gives: .done(Schemas.newSecret), refuses: [409]
        ) { call in
            .write { tenant, detail in
                let reseller = try tenant.knownReseller(call.parameters[0])
                guard reseller.state != .terminated else {
                    throw Refusal.conflict(.resellerTerminated)
                }
                let secret = try tenant.mintWebhookSecret(resellerID: reseller.id)
                detail.resellerID = reseller.id
                detail.note("reseller", reseller.publicID)
                let end = tenant.now.adding(seconds: TenantReader.secretOverlapSeconds)
                return .shownOnce(200) { json, isShown in
                    json.field("id", reseller.publicID)
                    if isShown { json.field("webhook_secret", secret) }
                    json.field("previous_valid_until", end.text)
                }
            }
        },
    ]

    /// `POST /resellers/{id}/approve | suspend | resume | terminate`.
    static let resellerMoves: [Route] = ResellerState.Move.allCases.map { move in
        Route(
            .post, "/resellers/{id}/\(move.rawValue)", "\(move.rawValue.capitalized) a reseller",
            access: .administrator, gives: .done(Schemas.resellerAnswer), refuses: [409]
        ) { call in
            let move = MoveReseller(resellerID: call.parameters[0], move: move, accountID: call.accountID)
            return .write { tenant, detail in
                let reseller = try move.run(tenant, &detail)
                return try .json { json in try encode(reseller, tenant, &json) }
            }
        }
    }

    private static let termNames = [
        "default_discount_rate", "credit_limit", "rate_limit", "api_access", "low_balance_threshold",
    ]

    private static func terms(_ call: Call) throws -> ChangeResellerTerms {
        let digits = call.currency.minorUnitDigits
        var fields = try call.fields()
        try fields.expectChange(of: termNames, clearable: ["low_balance_threshold"])
        var change = ChangeResellerTerms(resellerID: call.parameters[0])
        change.defaultDiscountRate = fields.optionalPercent("default_discount_rate")
        change.creditLimit = fields.optionalMoney("credit_limit", in: AmountRule.prices, fractionDigitsMax: digits)
        change.limit = fields.optionalPolicy("rate_limit")
        change.apiAccess = fields.optionalBool("api_access")
        change.lowBalanceThreshold = fields.change("low_balance_threshold") { fields in
            fields.money("low_balance_threshold", in: AmountRule.movements, fractionDigitsMax: digits)
        }
        try fields.finish()
        return change
    }

    /// A reseller as the operator sees it.
    static func encode(_ reseller: Reseller, _ tenant: TenantReader, _ json: inout JSONWriter) throws {
        json.field("id", reseller.publicID)
        json.field("email", reseller.email)
        json.field("name", reseller.name)
        json.field("company", reseller.company)
        json.field("status", reseller.state.name)
        json.field("default_discount_rate", reseller.defaultDiscountRate.decimal)
        json.field("credit_limit", tenant.decimal(reseller.creditLimit))
        json.field("low_balance_threshold", reseller.lowBalanceThreshold.map { tenant.decimal($0) })
        json.field("currency", tenant.currency.code)
        json.object("rate_limit") { json in KeyAnswers.encode(reseller.limit, &json) }
        json.field("api_access", reseller.apiAccess)
        json.field("created_at", reseller.createdAt.text)
        json.field("approved_at", reseller.approvedAt?.text)
        json.field("approved_by", try reseller.approvedBy.flatMap { try tenant.account(id: $0) }?.email)
        json.field("suspended_at", reseller.suspendedAt?.text)
        json.field("terminated_at", reseller.terminatedAt?.text)
    }
}
