import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// The payment service of resellers' top-ups, and the payments (A6). Its secrets are write-only.
extension OperatorAdmin {
    /// So many reports that did not fit a payment are shown.
    private static let differencesShownMax = 100

    static let payments: [Route] = [
        Route(
            .get, "/payment-service", "Read the payment service in force, without its secrets", access: .administrator,
            isOpenToSupport: false, gives: .read(Schemas.paymentService), refuses: [404]
        ) {
            call in
            .read { tenant in
                guard let service = try tenant.paymentService() else { throw Refusal.notFound(.paymentService) }
                return .json(Schemas.paymentService, service, in: tenant.currency)
            }
        },
        Route(
            .put, "/payment-service", "Put a payment service in force", access: .administrator,
            takes: Schemas.newPaymentService, gives: .done(Schemas.paymentService)
        ) { call in
            let configuration = try configuration(call)
            return .write { tenant, detail in
                let configure = configuration(call.baseURL + (try tenant.paymentCallbackPath()))
                guard let service = try configure.run(tenant, &detail) else { throw Refusal.defect }
                return .json(Schemas.paymentService, service, in: tenant.currency)
            }
        },
        Route(
            .delete, "/payment-service", "Take no payments any more", access: .administrator, gives: .nothing,
            refuses: [404]
        ) { _ in
            .write { tenant, detail in
                _ = try ConfigurePayments(nil).run(tenant, &detail)
                return .noContent
            }
        },
        Route(
            .get, "/payments", "List payments, newest first", access: .administrator,
            parameters: .page(.mode, Schemas.reseller, .query("status", .choice(PaymentState.self))),
            gives: .list(Schemas.payment), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            var filter = PaymentFilter(book: try query.mode(or: call.book))
            filter.state = try query.choice("status", as: PaymentState.self)
            let reseller = try query.id("reseller")
            return .read { [filter] tenant in
                var filter = filter
                filter.resellerID = try tenant.resellerID(filter: reseller)
                let rows = try tenant.payments(filter, before: page.before, limit: page.fetch)
                let payments = rows.map { Schemas.PaymentNow(payment: $0, at: tenant.now) }
                return page.answer(payments, id: \.payment.id, Schemas.payment, in: tenant.currency)
            }
        },
        Route(
            .get, "/payments/{id}", "Read a payment, with reports that did not fit it", access: .administrator,
            gives: .read(Schemas.paymentWithDifferences)
        ) {
            call in
            .read { tenant in
                guard let payment = try tenant.payment(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.payment)
                }
                let differences = try tenant.paymentDifferences(ofPayment: payment.id, limit: differencesShownMax)
                let whole = Schemas.PaymentWithDifferences(
                    payment: Schemas.PaymentNow(payment: payment, at: tenant.now), differences: differences)
                return .json(Schemas.paymentWithDifferences, whole, in: tenant.currency)
            }
        },
    ]

    /// `{driver: "sandbox"}` or `{driver: "http", create_url, api_key, webhook_secret, callback_url?, return_url?}`.
    /// Waits for the address that is the tenant's own, where no other is given.
    private static func configuration(_ call: Call) throws -> @Sendable (_ ownCallback: String) -> ConfigurePayments {
        let allowsPrivate = call.services.outbound.allowsPrivateAddresses
        var fields = try call.fields()
        let names = [
            "driver", "create_url", "api_key", "webhook_secret", "callback_url", "return_url", "overlap_seconds",
        ]
        let driver = fields.choice("driver", as: PaymentDriverKind.self)
        let overlap = fields.optionalInteger("overlap_seconds", in: 0...ConfigurePayments.overlapSecondsMax) ?? 0
        guard driver == .http else {
            fields.expectNoOthers(than: driver == nil ? names : ["driver", "overlap_seconds"])
            try fields.finish()
            return { _ in ConfigurePayments(NewPaymentService(.sandbox), overlapSeconds: overlap) }
        }
        let createURL = fields.webAddress("create_url", allowsPrivateAddresses: allowsPrivate)
        let apiKey = fields.string("api_key", characters: 8...512)
        if let apiKey, !apiKey.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            fields.fail("api_key", code: "format", detail: "must be printable ASCII without spaces")
        }
        let secretText = fields.string("webhook_secret", characters: 1...200)
        let secret = secretText.flatMap(WebhookSecret.decode)
        if secretText != nil && secret == nil {
            fields.fail("webhook_secret", code: "format", detail: "must be whsec_ and 24 to 64 bytes in base64")
        }
        // The address by which the operator has come here is the tenant's; a reseller's Host header is not asked.
        let callbackURL = fields.optionalURL("callback_url", allowsPrivate)
        let returnURL = fields.optionalURL("return_url", allowsPrivate) ?? call.baseURL + PaymentReturnPages.path
        fields.expectNoOthers(than: names)
        let (address, key, webhookSecret) = try fields.finish(createURL, apiKey, secret)
        return { ownCallback in
            ConfigurePayments(
                NewPaymentService(
                    .http(
                        createURL: address, apiKey: key, webhookSecret: webhookSecret,
                        callbackURL: callbackURL ?? ownCallback, returnURL: returnURL)),
                overlapSeconds: overlap)
        }
    }
}

extension FieldReader {
    fileprivate mutating func optionalURL(_ name: String, _ allowsPrivate: Bool) -> String? {
        value(name) == nil || isNull(name) ? nil : webAddress(name, allowsPrivateAddresses: allowsPrivate)
    }
}
