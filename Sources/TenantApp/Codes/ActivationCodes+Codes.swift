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
            cacheKind: plansCacheKind, gives: .read(Schemas.plans)
        ) { call in
            .read { tenant in
                let reseller = try call.caller?.resellerID.flatMap { try tenant.reseller(id: $0) }
                var json = JSONWriter()
                try json.array { json in
                    for plan in try tenant.plans(for: reseller) {
                        let margin = try plan.margin()
                        json.object { json in
                            json.field("id", plan.sku)
                            json.field("name", plan.name)
                            json.field("days", plan.days)
                            json.field("retailPrice", raw: tenant.decimal(plan.retailPrice))
                            json.field("wholesalePrice", raw: tenant.decimal(plan.wholesalePrice))
                            json.field("margin", raw: tenant.decimal(margin))
                        }
                    }
                }
                return Answer(status: 200, body: json.bytes)
            }
        },
        Route(
            .post, "/generate", "Generate activation codes", access: .reseller(.codes), idempotency: .accepted,
            takes: Schemas.purchase, gives: .done(Schemas.purchased), refuses: [409]
        ) { call in
            var fields = try call.fields()
            let plan = fields.string("planId", characters: 1...FieldReader.skuCharactersMax)
            let count = fields.optionalInteger("count", in: 1...GenerateCodes.countMax) ?? 1
            try fields.finish()
            guard let plan else { throw Refusal.defect }
            let generate = GenerateCodes(
                planID: plan, count: count, resellerID: call.resellerID, book: call.book, keyID: call.keyID)
            return .write { tenant, detail in
                let made = try generate.run(tenant, &detail)
                return .json { json in
                    json.field("ok", true)
                    json.array("codes") { json in
                        for code in made.codes {
                            json.object { json in
                                json.field("code", code)
                                json.field("url", "\(call.baseURL)/activate/\(code)")
                            }
                        }
                    }
                    json.field("totalCost", raw: tenant.decimal(made.total))
                    json.field("newBalance", raw: tenant.decimal(made.balance))
                }
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
                return .json { json in
                    json.array("codes") { json in
                        for code in codes {
                            json.object { json in
                                json.field("code", code.code)
                                json.field("plan_id", code.sku)
                                json.field("days", code.days)
                                json.field("redeemed_by", code.redemption?.email)
                                json.field("redeemed_at", code.redemption?.at.text)
                                json.field("created_at", code.createdAt.text)
                            }
                        }
                    }
                    json.field("total", total)
                    json.field("page", page)
                    json.field("pages", (total + Int64(pageRows) - 1) / Int64(pageRows))
                }
            }
        },
    ]
}
