import CallKit
import HTML
import HTTPCore
import PageKit

/// What was done, as the audit log has it: when, by whom, and what about. A value: any thread.
struct Timeline: MarkupPart {
    let html: HTML

    /// Ids and amounts of a call's detail are shown; so many of them.
    private static let detailsMax = 4
    /// Said by the line already, or for programs; and what ends in `rows` is a proof's.
    private static let unshown: Set<String> = ["postings", "reseller"]
    /// What an action is called once it is done, where that is more than its route's description: of calls of pages,
    /// which no API describes, and of the commonest of the APIs, below their base paths.
    private static let words: [String: String] = [
        "POST /sign-in": "Signed in by the page", "POST /sandbox-pay/{orderId}": "Answered a payment of the sandbox",
        "POST /invite/{token}": "Set a password by an invitation",
        "POST /reset-password/{token}": "Set a new password by a link", "POST /sign-out": "Signed out",
        "POST /activate/password/{token}": "Set a subscriber's new password by a link",
        "POST /apply": "Applied as a reseller",
        "tenant.created": "The tenant was created",
        // Resellers
        "POST /resellers": "Invited a reseller", "PATCH /resellers/{id}": "Changed a reseller",
        "POST /resellers/{id}/approve": "Approved a reseller", "POST /resellers/{id}/suspend": "Suspended a reseller",
        "POST /resellers/{id}/resume": "Resumed a reseller", "POST /resellers/{id}/terminate": "Terminated a reseller",
        "POST /resellers/{id}/invitation": "Invited a reseller again",
        "POST /resellers/{id}/password-reset": "Reset a reseller's password",
        "POST /resellers/{id}/webhook-secret/rotate": "Rotated a signing secret",
        "POST /resellers/{id}/balance": "Topped up or corrected a balance",
        "POST /topup": "Began a top-up", "POST /reseller/topup": "Began a top-up",
        "DELETE /resellers/{id}/sessions": "Signed a reseller out everywhere",
        "DELETE /resellers/{id}/sessions/{session}": "Ended a reseller's session",
        "POST /webhook/secret/rotate": "Rotated their signing secret",
        "POST /webhook/secret": "Rotated their signing secret",
        "POST /register": "Registered as a reseller",
        // End customers
        "POST /subscribers/{id}/password-reset": "Made a link for a subscriber's new password",
        "POST /activate/{code}": "Redeemed a code", "POST /signup": "Signed a user up",
        "POST /reseller/customers": "Created a customer", "PATCH /reseller/customers/{id}": "Changed a customer",
        "POST /reseller/customers/{id}/topup": "Moved balance to a customer",
        // People and keys
        "POST /people": "Added a person", "PATCH /people/{id}": "Changed a person",
        "POST /people/{id}/password-reset": "Reset a password", "POST /account/password": "Set a new password",
        "POST /account/keys": "Issued a key of their own", "POST /api-keys": "Issued a key",
        "DELETE /api-keys/{id}": "Revoked a key", "POST /api-keys/{id}/rotate": "Rotated a key",
        "PUT /api-keys/{id}/limit": "Set a key's limit", "DELETE /api-keys/{id}/limit": "Took a key's limit away",
        "POST /api-keys/{id}/limit/reset": "Filled a key's limit again",
        "DELETE /people/{id}/sessions": "Signed a person out everywhere",
        "DELETE /people/{id}/sessions/{session}": "Ended a person's session",
        "DELETE /sessions/{id}": "Ended a session", "DELETE /account/sessions/{id}": "Ended a session of their own",
        "DELETE /account/sessions": "Ended their other sessions",
        "POST /key/rotate": "Rotated the key in use", "POST /regenerate-key": "Replaced their API key",
        "POST /keys": "Issued a key", "POST /keys/{id}/rotate": "Rotated a key", "DELETE /keys/{id}": "Revoked a key",
        // Products and prices
        "POST /products": "Added a product", "PATCH /products/{sku}": "Changed a product",
        "POST /products.csv": "Imported products", "POST /price-book.csv": "Changed prices",
        "PUT /resellers/{id}/products/{sku}": "Changed a price", "POST /products/{sku}/stock": "Took items into stock",
        "PUT /countries/{id}": "Priced a country", "POST /ports": "Imported ports",
        "POST /licences": "Imported licences", "POST /licences/withdraw": "Withdrew licences",
        "POST /licences/move": "Moved licences", "DELETE /products/{sku}/stock/items/{id}": "Withdrew an item",
        "PATCH /devices/{name}": "Corrected a device", "DELETE /devices/{name}": "Took a device out",
        "PATCH /ports/{address}": "Corrected a slot", "DELETE /ports/{address}": "Took a slot out",
        "PUT /reseller/pricebook": "Changed their price book",
        "POST /reseller/pricebook/country-override": "Changed a country's own price",
        // Orders and services
        "POST /orders": "Placed an order", "POST /orders/{id}/activate": "Carried an order out",
        "POST /orders/{id}/reject": "Rejected an order", "POST /orders/{id}/refund": "Refunded an order",
        "POST /services/{id}/pay": "Paid for a service", "POST /services/{id}/suspend": "Suspended a service",
        "POST /services/{id}/resume": "Resumed a service", "POST /services/{id}/cancel": "Cancelled a service",
        "POST /services/reprice": "Repriced services", "POST /generate": "Generated codes",
        "POST /assignlicense": "Assigned a licence", "POST /reseller/ports": "Bought a port",
        "POST /reseller/ports/{id}/renew": "Renewed a port", "POST /reseller/ports/{id}/rotate": "Rotated a port",
        "POST /fetchlicense": "Fetched a licence", "PATCH /services/{id}/details": "Changed a service's details",
        "DELETE /services/{id}/cancel": "Took back a cancellation",
        "POST /provisioning/{service}/retry": "Asked a provisioner again",
        "POST /provisioning/{service}/confirm": "Confirmed a unit by hand",
        "POST /provisioning/{service}/give_up": "Gave a unit up",
        "POST /credit": "Reported a credit event",
        // Webhooks
        "POST /webhooks": "Added a webhook", "PATCH /webhooks/{id}": "Changed a webhook",
        "DELETE /webhooks/{id}": "Removed a webhook", "POST /webhooks/{id}/enable": "Enabled a webhook",
        "POST /webhooks/{id}/disable": "Disabled a webhook", "POST /webhooks/{id}/pause": "Paused a webhook",
        "POST /webhooks/{id}/resume": "Resumed a webhook", "POST /webhooks/{id}/test": "Sent a test event",
        "POST /webhooks/{id}/secret/rotate": "Rotated a webhook's secret",
        "POST /deliveries/{id}/retry": "Delivered again", "POST /deliveries/replay": "Replayed deliveries",
        // The tenant
        "PATCH /settings": "Changed the settings", "PUT /settings/logo": "Changed the logo",
        "DELETE /settings/logo": "Removed the logo",
        "PUT /payment-service": "Changed the payment service", "DELETE /payment-service": "Removed the payment service",
        "PUT /provisioning": "Changed the provisioner", "DELETE /provisioning": "Removed the provisioner",
        "PUT /products/{sku}/provisioning": "Changed a product's provisioner",
        "DELETE /products/{sku}/provisioning": "Removed a product's provisioner",
        "POST /outbound/resume": "Let what waited since the restore leave",
        "POST /reconciliations": "Compared a ledger", "POST /reviews/{id}/close": "Closed a review",
    ]

    /// Of the APIs, the longer ones first.
    private static let basePaths = [
        "/api/admin", "/api/partner/v1", "/api/v1/reseller", "/api/reseller", "/v1", "/reseller",
    ]

    /// What an action is called; nil where only its name is known.
    static func title(of action: String, _ view: some PageView) -> String? {
        if let known = words[action] { return known }
        let parts = action.split(separator: " ", maxSplits: 1)
        if parts.count == 2, let base = basePaths.first(where: { parts[1].hasPrefix($0 + "/") }),
            let known = words["\(parts[0]) \(parts[1].dropFirst(base.count))"]
        {
            return known
        }
        return view.visit.words(ofAction: action)
    }

    /// For `GET /audit`: so many of what was done last, without those who signed in or out.
    static let latest: [(String, String?)] = [("changes", "true"), ("without", "sessions"), ("limit", "12")]

    /// `rows`: audit records, newest first. `more`: where all of them are.
    init(_ rows: [Row], _ title: String, more: HTML? = nil, _ view: some PageView) {
        html =
            Panel(title, actions: more) {
                if rows.isEmpty { return "<p>Nothing has been done yet.</p>" }
                return #"<ol class="timeline">\#(each: Self.calls(rows), { Self.line($0, view) })</ol>"#
            }.html
    }

    /// A call that wrote in several steps has a row for each: it is one thing that was done.
    static func calls(_ rows: [Row]) -> [[Row]] {
        var calls: [[Row]] = []
        for row in rows {
            if calls.last?.first?["request_id"] == row["request_id"] {
                calls[calls.count - 1].append(row)
            } else {
                calls.append([row])
            }
        }
        return calls
    }

    private static func line(_ rows: [Row], _ view: some PageView) -> HTML {
        guard let row = rows.first else { return "" }
        let action = row["action"]
        let name: HTML = title(of: action, view).map { "\($0)" } ?? "<code>\(action)</code>"
        let by: HTML? = row.text("account").map { " · \($0)" }
        let mode: HTML? = row["mode"] == "test" ? " \(State("test"))" : nil
        let log = view.link("/audit", query: [("request_id", row["request_id"])])
        let details = Self.details(rows, AuditMoney(view))
        return """
            <li>\(TimeText(row["at"], now: view.visit.call.now))<div><a href="\(log)">\(name)</a>\(by)\(mode)\
            \(if: !details.isEmpty, #"<p class="sub">\#(details)</p>"#)</div></li>
            """
    }

    private static func details(_ rows: [Row], _ money: AuditMoney) -> String {
        var told: [String] = []
        for member in rows.flatMap({ $0.row("detail")?.members ?? [] }) {
            let (name, value) = (member.name, member.value.value)
            if value.isEmpty || unshown.contains(name) || name.hasSuffix("rows") { continue }
            if name.hasSuffix(AuditDetail.before) { continue }
            let amount = money.text(name, value)
            let text = AuditMoney.isPosting(name) ? amount ?? value : "\(name.spaced): \(amount ?? value)"
            if !told.contains(text) { told.append(text) }
        }
        return told.prefix(detailsMax).joined(separator: " · ")
    }
}

extension String {
    /// `top_up` for people: “top up”.
    var spaced: String { replacing("_", with: " ") }
}
