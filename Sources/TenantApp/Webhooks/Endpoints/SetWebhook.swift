package import CallKit
import HTTPCore
package import TenantRegistry

/// What a reseller says of a webhook endpoint, made or changed (H4).
package struct WebhookTerms: Sendable {
    package var name: String?
    package var url: String?
    package var events: [String]?
    package var concurrency: Int64?
    /// `.some(nil)`: no limit any more.
    package var maxPerSecond: Int64??

    package init(
        name: String?, url: String?, events: [String]?, concurrency: Int64?, maxPerSecond: Int64?? = nil
    ) {
        self.name = name
        self.url = url
        self.events = events
        self.concurrency = concurrency
        self.maxPerSecond = maxPerSecond
    }
}

/// Adds an endpoint. Returns it, and its secret's text to be shown once: none of `default`, which has its reseller's.
package struct CreateWebhook: Sendable {
    package let name: String
    package let url: String
    package let events: [String]
    package let concurrency: Int64
    package let maxPerSecond: Int64?

    package init(
        name: String, url: String, events: [String], concurrency: Int64 = WebhookEndpoint.concurrencyDefault,
        maxPerSecond: Int64? = nil
    ) {
        self.name = name
        self.url = url
        self.events = events
        self.concurrency = concurrency
        self.maxPerSecond = maxPerSecond
    }

    package func run(
        _ tenant: TenantTransaction, resellerID: Int64, book: Book, _ detail: inout AuditDetail
    ) throws -> (endpoint: WebhookEndpoint, secret: String?) {
        let known = try tenant.webhookEndpoints(resellerID: resellerID, book: book)
        guard known.count < WebhookEndpoint.countMax else {
            throw Refusal.conflict(.tooManyWebhooks(WebhookEndpoint.countMax))
        }
        if name == WebhookEndpoint.defaultName, known.contains(where: \.isDefault) {
            throw Refusal.conflict(.defaultWebhookExists)
        }
        try known.refuseDisabled(url)
        let endpoint = try tenant.insertWebhookEndpoint(
            name: name, url: url, events: events, concurrency: concurrency, maxPerSecond: maxPerSecond,
            resellerID: resellerID, book: book)
        detail.note("webhook", endpoint.publicID)
        if endpoint.isDefault { return (endpoint, nil) }
        return (endpoint, try tenant.mintSecret(of: endpoint, overlapSeconds: 0))
    }
}

/// Changes what its reseller says of an endpoint. Its state stays, and what is queued goes where it leads now.
package struct ChangeWebhook: Sendable {
    package let terms: WebhookTerms

    package init(_ terms: WebhookTerms) { self.terms = terms }

    package func run(
        _ endpoint: WebhookEndpoint, _ tenant: TenantTransaction, _ detail: inout AuditDetail
    ) throws -> WebhookEndpoint {
        let name = terms.name ?? endpoint.name
        // Whose secret signs hangs on it.
        guard (name == WebhookEndpoint.defaultName) == endpoint.isDefault else {
            throw Refusal.conflict(.defaultWebhookKeepsItsName)
        }
        let url = terms.url ?? endpoint.url
        if !WebAddress.leadToOne(url, endpoint.url) {
            // Led elsewhere it would no longer keep its reseller from the address that an operator disabled.
            if endpoint.disabledReason == .byOperator { throw Refusal.conflict(.endpointDisabledByOperator) }
            try tenant.webhookEndpoints(resellerID: endpoint.resellerID, book: endpoint.book).refuseDisabled(url)
            // How the old address has answered says nothing of the new one.
            try tenant.save(try tenant.health(ofEndpoint: endpoint.id).forgotten, ofEndpoint: endpoint.id)
        }
        try tenant.save(
            endpoint, name: name, url: url, events: terms.events ?? endpoint.events,
            concurrency: terms.concurrency ?? endpoint.concurrency,
            maxPerSecond: terms.maxPerSecond ?? endpoint.maxPerSecond)
        // Its sender looks at it anew.
        tenant.noteDue(.delivery, at: tenant.now)
        detail.note("webhook", endpoint.publicID)
        guard let changed = try tenant.webhookEndpoint(id: endpoint.id) else { throw Refusal.defect }
        return changed
    }
}

/// Says where the events of `default` go (W6, A8): made where there is none, and enabled where it was disabled.
package struct SetDefaultWebhook: Sendable {
    package let url: String
    package let events: [String]

    package init(url: String, events: [String]) {
        self.url = url
        self.events = events
    }

    package func run(
        _ tenant: TenantTransaction, resellerID: Int64, book: Book, _ detail: inout AuditDetail
    ) throws -> WebhookEndpoint {
        guard let known = try tenant.defaultWebhook(resellerID: resellerID, book: book) else {
            return try CreateWebhook(name: WebhookEndpoint.defaultName, url: url, events: events)
                .run(tenant, resellerID: resellerID, book: book, &detail).endpoint
        }
        let terms = WebhookTerms(name: nil, url: url, events: events, concurrency: nil)
        let changed = try ChangeWebhook(terms).run(known, tenant, &detail)
        guard changed.state == .disabled else { return changed }
        return try ChangeEndpointState(.enable, byOperator: false).run(changed, tenant, &detail)
    }
}

/// Takes an endpoint away, and drops what is queued for it (H4). One that an operator disabled stays: made anew it
/// would be enabled.
package struct RemoveWebhook: Sendable {
    package init() {}

    package func run(_ endpoint: WebhookEndpoint, _ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        if endpoint.disabledReason == .byOperator { throw Refusal.conflict(.endpointDisabledByOperator) }
        try tenant.remove(endpoint)
        try tenant.settleQueue(ofEndpoint: endpoint.id, as: .dropped, limit: TenantTransaction.settledAtOnceMax)
        detail.note("webhook", endpoint.publicID)
    }
}

extension [WebhookEndpoint] {
    /// Nothing leads to where an operator disabled one of them.
    fileprivate func refuseDisabled(_ url: String) throws {
        if contains(where: { $0.disabledReason == .byOperator && WebAddress.leadToOne($0.url, url) }) {
            throw Refusal.conflict(.endpointDisabledByOperator)
        }
    }
}
