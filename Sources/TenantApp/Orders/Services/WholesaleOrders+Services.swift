import CallKit
import HTTPCore
import TenantRegistry

/// What a reseller does about its services, and what moved on its balance (W6, W9).
extension WholesaleOrders {
    static let ownServices: [Route] = [
        Route(
            .post, "/services/{id}/pay", "Pay what is past due of a service", access: .reseller(.partnerOrder),
            moves: .oneBook, idempotency: .accepted, gives: .done(Schemas.service), refuses: [402, 409]
        ) { call in
            let pay = PayService(
                serviceID: call.parameters[0], resellerID: call.resellerID, book: call.book, keyID: call.keyID)
            return .write { tenant, detail in
                .json(Schemas.service, try pay.run(tenant, &detail), in: tenant.currency)
            }
        },
        Route(
            .post, "/services/{id}/cancel", "Have a service end with its term", access: .reseller(.partnerOrder),
            moves: .oneBook, idempotency: .accepted, endsForGood: true, gives: .done(Schemas.service), refuses: [409]
        ) { call in end(call, .end) },
        Route(
            .delete, "/services/{id}/cancel", "Have a service renew after all", access: .reseller(.partnerOrder),
            moves: .oneBook, needsNoRoom: false, gives: .done(Schemas.service), refuses: [409]
        ) { call in end(call, .takeBack) },
        Route(
            .get, "/statement", "List what moved on your balance", access: .reseller(.partnerRead),
            parameters: [.limit, .cursor] + AskedStatement.parameters, gives: .list(Schemas.posting)
        ) { call in
            let resellerID = call.resellerID
            return try AskedStatement.list(call, in: call.readBook(), Schemas.posting) { _ in resellerID }
        },
        Route(
            .get, "/statement.csv", "Export what moved on your balance", access: .reseller(.partnerRead),
            parameters: AskedStatement.parameters, gives: .read(.file("text/csv"))
        ) { call in
            let asked = try AskedStatement(try call.query())
            let book = try call.readBook()
            return .flow { steps in
                OperatorAdmin.download(
                    "statement.csv", "text/csv; charset=utf-8",
                    ExportStatement.stream(
                        steps, asked, resellerID: call.resellerID, book: book, isOwn: true, currency: call.currency))
            }
        },
    ]

    private static func end(_ call: Call, _ word: EndOwnService.Word) -> Work {
        let end = EndOwnService(
            serviceID: call.parameters[0], word: word, resellerID: call.resellerID, book: call.book,
            keyID: call.keyID)
        return .write { tenant, detail in
            .json(Schemas.service, try end.run(tenant, &detail), in: tenant.currency)
        }
    }
}
