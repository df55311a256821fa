import CallKit
import HTTPCore
import TenantRegistry

/// A reseller's customers and what it moves to them (X3).
extension ProxyPorts {
    static let slotsMax: Int64 = 1_000_000

    static let customers: [Route] = [
        Route(
            .post, "/reseller/customers", "Create a customer", access: .reseller(.customersWrite),
            idempotency: .accepted, takes: Schemas.newCustomer, gives: .made(Schemas.customer), refuses: [409]
        ) { call in
            var fields = try call.fields()
            let email = fields.email("email")
            let name = fields.optionalString("name", characters: 1...200)
            let company = fields.optionalString("company", characters: 1...200)
            let slots = fields.optionalInteger("allocatedPortSlots", in: 0...slotsMax) ?? 0
            let externalID = fields.optionalString("externalId", characters: 1...128)
            try fields.finish()
            guard let email else { throw Refusal.defect }
            return .write { tenant, detail in
                if let externalID,
                    try tenant.customer(externalID: externalID, resellerID: call.resellerID, book: call.book) != nil
                {
                    throw Refusal.conflict(.externalIDTaken)
                }
                let customer = try tenant.insertPortCustomer(
                    email: email, name: name, company: company, externalID: externalID, allocatedPortSlots: slots,
                    resellerID: call.resellerID, book: call.book)
                detail.note("customer", customer.publicID)
                return .json(201) { json in encode(customer, tenant, &json) }
            }
        },
        Route(
            .get, "/reseller/customers", "List customers, or find one", access: .reseller(.customersRead),
            parameters: .page(.query("externalId")), gives: Schemas.list("customers", Schemas.customer)
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let externalID = query["externalId"]
            return .read { tenant in
                let rows = try tenant.portCustomers(
                    resellerID: call.resellerID, book: call.book, externalID: externalID, after: page.after,
                    limit: page.fetch)
                return list("customers", rows, page, id: \.id) { customer, json in encode(customer, tenant, &json) }
            }
        },
        Route(
            .get, "/reseller/customers/{id}", "Read a customer", access: .reseller(.customersRead),
            gives: .read(Schemas.customer)
        ) { call in
            .read { tenant in
                let customer = try tenant.knownPortCustomer(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                return .json { json in encode(customer, tenant, &json) }
            }
        },
        Route(
            .patch, "/reseller/customers/{id}", "Change a customer", access: .reseller(.customersWrite),
            takes: Schemas.customerChange, gives: .done(Schemas.customer)
        ) { call in
            var fields = try call.fields()
            try fields.expectChange(of: ["isActive", "discountPercent", "allocatedPortSlots"])
            var change = PortCustomerChange()
            change.isActive = fields.optionalBool("isActive")
            change.discountPercent = fields.optionalPercent("discountPercent")
            change.allocatedPortSlots = fields.optionalInteger("allocatedPortSlots", in: 0...slotsMax)
            try fields.finish()
            let wanted = change
            return .write { tenant, detail in
                let customer = try tenant.knownPortCustomer(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                try tenant.change(customer, wanted)
                detail.note("customer", customer.publicID)
                let changed = try tenant.knownPortCustomer(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                return .json { json in encode(changed, tenant, &json) }
            }
        },
        Route(
            .post, "/reseller/customers/{id}/topup", "Move balance to a customer", access: .reseller(.customersWrite),
            idempotency: .accepted, takes: Schemas.topUp, gives: .made(Schemas.transfer), refuses: [409]
        ) { call in
            var fields = try call.fields()
            let amount = fields.money(
                "amount", in: AmountRule.prices, fractionDigitsMax: call.currency.minorUnitDigits)
            if amount == .zero { fields.fail("amount", code: "range", detail: "must be more than zero") }
            let description = fields.optionalString("description", characters: 1...500)
            let referenceID = fields.optionalString("referenceId", characters: 1...128)
            try fields.finish()
            guard let amount else { throw Refusal.defect }
            let transfer = TransferToCustomer(
                customerID: call.parameters[0], amount: amount, description: description, referenceID: referenceID,
                resellerID: call.resellerID, book: call.book, keyID: call.keyID)
            return .write { tenant, detail in
                let (made, customer) = try transfer.run(tenant, &detail)
                return .json(201) { json in
                    json.field("_id", made.publicID)
                    json.field("customerId", customer.publicID)
                    json.field("amount", raw: tenant.decimal(made.amount))
                    json.field("description", made.description)
                    json.field("referenceId", made.referenceID)
                    json.field("customerBalance", raw: tenant.decimal(made.customerBalance))
                    json.field("resellerBalance", raw: tenant.decimal(made.resellerBalance))
                    json.field("currency", tenant.currency.code)
                    json.field("createdAt", made.createdAt.milliseconds)
                }
            }
        },
    ]

    private static func encode(_ customer: PortCustomer, _ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("_id", customer.publicID)
        json.field("email", customer.customer.email)
        json.field("name", customer.customer.name)
        json.field("company", customer.company)
        json.field("externalId", customer.customer.externalID)
        json.field("allocatedPortSlots", customer.allocatedPortSlots)
        json.field("usedPortSlots", customer.usedPortSlots)
        json.field("balance", raw: tenant.decimal(customer.balance))
        json.field("discountPercent", raw: customer.discountPercent.decimal)
        json.field("isActive", customer.isActive)
        json.field("createdAt", customer.customer.createdAt.milliseconds)
    }
}
