import CallKit
import HTTPCore
import TenantRegistry

/// A reseller's own calls: counted, and one by one (W6).
extension WholesaleOrders {
    static let ownCalls: [Route] = [
        Route(
            .get, "/usage", "Count your own calls", access: .reseller(.partnerRead),
            parameters: UsageAnswers.parameters, gives: .list(OperatorAdmin.Schemas.usage), refuses: [404]
        ) { call in try UsageAnswers.list(call, ofReseller: call.resellerID) },
        Route(
            .get, "/usage/total", "Count them for each hour or day, all keys and routes together, oldest first",
            access: .reseller(.partnerRead), parameters: UsageAnswers.totalParameters,
            gives: .read(OperatorAdmin.Schemas.usageTotals), refuses: [404]
        ) { call in try UsageAnswers.total(call, ofReseller: call.resellerID) },
        Route(
            .get, "/requests", "List your own calls, newest first", access: .reseller(.partnerRead),
            parameters: OperatorAdmin.Schemas.ownCalls, gives: .list(ownCall), refuses: [404]
        ) { call in
            let limit = try Paging.limit(try call.query())
            var search = try AuditSearch(try call.query(), CursorSeal(call))
            search.ownOf = call.resellerID
            search.callers = try call.query().choice("callers", as: UsageFilter.Callers.self) ?? .all
            let asked = search
            return .flow { steps in
                let page = try await asked.page(steps, limit: limit)
                return .answer(
                    .json { json in
                        json.array("data") { json in
                            for entry in page.entries {
                                let own = OwnCall(record: entry.record, key: page.names.keys[entry.record.keyID])
                                json.object { json in ownCall.write(own, in: call.currency, to: &json) }
                            }
                        }
                        json.field("has_more", page.next != nil)
                        json.field("next_cursor", page.next)
                    })
            }
        },
    ]

    private struct OwnCall {
        let record: AuditRecord
        let key: String?
    }

    private static let ownCall = Shape<OwnCall>(
        "OwnCall",
        [
            .member("at", \.record.at), .member("mode", \.record.book), .member("key", \.key),
            .member("route", \.record.action), .member("status", \.record.status),
            .member("latency_us", \.record.latencyMicroseconds), .member("request_id", \.record.requestID.text),
            .member("bytes_in", \.record.bytesIn), .member("bytes_out", \.record.bytesOut),
            .member("count", \.record.count),
        ])
}
