import CallKit
import HTTPCore
import TenantRegistry

/// Plans, and codes bought of them (A2, A4, A5).
extension ActivationCodes {
    /// The list of plans' place among the answers kept ready.
    static let plansCacheKind = CacheKind()
    static let pageRows = 50
    static let pageMax = 1_000_000_000

    static let codes: [Route] = [
        Route(
            .get, "/plans", "List the plans with their prices", access: .openOrReseller([]), openIn: [.pending],
            cacheKind: plansCacheKind, gives: .read(.array(of: Schemas.plan.schema))
        ) { call in
            .read { tenant in
                let reseller = try call.caller?.resellerID.flatMap { try tenant.reseller(id: $0) }
                var json = JSONWriter()
                try json.array { json in
                    for plan in try tenant.plans(for: reseller, book: call.book) {
                        let priced = Schemas.PricedPlan(plan: plan, margin: try plan.margin())
                        json.object { json in Schemas.plan.write(priced, in: tenant.currency, to: &json) }
                    }
                }
                return Answer(status: 200, body: json.bytes)
            }
        },
        Route(
            .post, "/generate", "Generate activation codes", access: .reseller(.codes), moves: .oneBook,
            idempotency: .accepted,
            takes: Schemas.purchase.schema, gives: .done(Schemas.purchased), refuses: [409]
        ) { call in
            let (plan, count) = try call.read(Schemas.purchase)
            let generate = GenerateCodes(
                planID: plan, count: count, resellerID: call.resellerID, book: call.book, keyID: call.keyID)
            return .write { tenant, detail in
                let made = try generate.run(tenant, &detail)
                let links = links(call)
                let purchased = Schemas.Purchased(
                    codes: made.codes.map { ($0, links + $0) }, total: made.total,
                    balance: made.balance)
                return .json(Schemas.purchased, purchased, in: tenant.currency)
            }
        },
        Route(
            .get, "/codes", "List the codes you generated", access: .reseller(.codes), parameters: Schemas.pageOfCodes,
            gives: .read(Schemas.codes)
        ) { call in
            let query = try call.query()
            let page = Int64(try query.integer("page", in: 1...pageMax) ?? 1)
            let status = try query.choice("status", as: CodeStatus.self)
            return .read { tenant in
                let (codes, total) = try tenant.codePage(
                    page, size: pageRows, resellerID: call.resellerID, book: call.book, status: status)
                let shown = Schemas.PageOfCodes(
                    codes: codes, total: total, page: page, pages: (total + Int64(pageRows) - 1) / Int64(pageRows))
                return .json(Schemas.codes, shown, in: tenant.currency)
            }
        },
        Route(
            .get, "/codes.csv", "Export the codes you generated", access: .reseller(.codes),
            parameters: [.query("status", .choice(CodeStatus.self))], gives: .read(.file("text/csv"))
        ) { call in
            let status = try call.query().choice("status", as: CodeStatus.self)
            return .flow { steps in
                OperatorAdmin.download(
                    "codes.csv", "text/csv; charset=utf-8",
                    ExportCodes.stream(
                        steps, resellerID: call.resellerID, book: call.book, status: status,
                        links: links(call)))
            }
        },
    ]

    /// What stands before a code in the address that redeems it.
    private static func links(_ call: Call) -> String { "\(call.baseURL)\(ActivationPages.base)/" }
}
