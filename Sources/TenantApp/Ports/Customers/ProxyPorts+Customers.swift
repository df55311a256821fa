import CallKit
import HTTPCore
import TenantRegistry

/// A reseller's customers and what it moves to them (X3).
extension ProxyPorts {
    static let slotsMax: Int64 = 1_000_000

    static let customers: [Route] = [
        Route(
            .post, "/reseller/customers", "Create a customer", access: .reseller(.customersWrite), moves: .oneBook,
            idempotency: .accepted, takes: Schemas.newCustomer.schema, gives: .made(Schemas.customer), refuses: [409]
        ) { call in
            let (email, name, company, slots, externalID) = try call.read(Schemas.newCustomer)
            let create = CreatePortCustomer(
                email: email, name: name, company: company, allocatedPortSlots: slots, externalID: externalID,
                resellerID: call.resellerID, book: call.book)
            return .write { tenant, detail in
                .json(201, Schemas.customer, try create.run(tenant, &detail), in: tenant.currency)
            }
        },
        Route(
            .get, "/reseller/customers", "List customers, or find one", access: .reseller(.customersRead),
            parameters: .page(.query("externalId")), gives: Schemas.list("customers", Schemas.customer)
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let externalID = try query.id("externalId")
            return .read { tenant in
                let rows = try tenant.portCustomers(
                    resellerID: call.resellerID, book: call.book, externalID: externalID, after: page.after,
                    limit: page.fetch)
                return list("customers", rows, page, id: \.id, Schemas.customer, in: tenant.currency)
            }
        },
        Route(
            .get, "/reseller/customers/{id}", "Read a customer", access: .reseller(.customersRead),
            gives: .read(Schemas.customer)
        ) { call in
            .read { tenant in
                let customer = try tenant.knownPortCustomer(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                return .json(Schemas.customer, customer, in: tenant.currency)
            }
        },
        Route(
            .patch, "/reseller/customers/{id}", "Change a customer", access: .reseller(.customersWrite),
            moves: .oneBook,
            takes: Schemas.customerChange.schema, gives: .done(Schemas.customer)
        ) { call in
            var change = PortCustomerChange()
            (change.isActive, change.discountPercent, change.allocatedPortSlots) = try call.read(
                Schemas.customerChange)
            let wanted = change
            return .write { tenant, detail in
                let customer = try tenant.knownPortCustomer(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                try tenant.change(customer, wanted)
                detail.note("customer", customer.publicID)
                let changed = try tenant.knownPortCustomer(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                return .json(Schemas.customer, changed, in: tenant.currency)
            }
        },
        Route(
            .post, "/reseller/customers/{id}/topup", "Move balance to a customer", access: .reseller(.customersWrite),
            moves: .oneBook,
            idempotency: .accepted, takes: Schemas.topUp.schema, gives: .made(Schemas.transfer), refuses: [409]
        ) { call in
            let (amount, description, referenceID) = try call.read(Schemas.topUp)
            let transfer = TransferToCustomer(
                customerID: call.parameters[0], amount: amount, description: description, referenceID: referenceID,
                resellerID: call.resellerID, book: call.book, keyID: call.keyID)
            return .write { tenant, detail in
                let (made, customer) = try transfer.run(tenant, &detail)
                let transferred = Schemas.Transferred(transfer: made, customer: customer)
                return .json(201, Schemas.transfer, transferred, in: tenant.currency)
            }
        },
    ]
}
