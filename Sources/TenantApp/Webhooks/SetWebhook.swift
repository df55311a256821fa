package import CallKit
package import TenantRegistry

/// What a reseller says of a webhook endpoint, made or changed (H4).
package struct WebhookTerms: Sendable {
    package var name: String?
    package var url: String?
    package var events: [String]?
    package var concurrency: Int64?

    package init(name: String?, url: String?, events: [String]?, concurrency: Int64?) {
        self.name = name
        self.url = url
        self.events = events
        self.concurrency = concurrency
    }
}

/// Adds an endpoint. Returns it, and its secret's text to be shown once: none of `default`, which has its reseller's.
package struct CreateWebhook: Sendable {
    package let name: String
    package let url: String
    package let events: [String]
    package let concurrency: Int64

    package init(
        name: String, url: String, events: [String], concurrency: Int64 = WebhookEndpoint.concurrencyDefault
    ) {
        self.name = name
        self.url = url
        self.events = events
        self.concurrency = concurrency
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
        let endpoint = try tenant.insertWebhookEndpoint(
            name: name, url: url, events: events, concurrency: concurrency, resellerID: resellerID, book: book)
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
        try tenant.save(
            endpoint, name: name, url: terms.url ?? endpoint.url, events: terms.events ?? endpoint.events,
            concurrency: terms.concurrency ?? endpoint.concurrency)
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

/// Takes an endpoint away, and drops what is queued for it (H4).
package struct RemoveWebhook: Sendable {
    package init() {}

    package func run(_ endpoint: WebhookEndpoint, _ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        try tenant.remove(endpoint)
        try tenant.settleQueue(ofEndpoint: endpoint.id, as: .dropped, limit: TenantTransaction.settledAtOnceMax)
        detail.note("webhook", endpoint.publicID)
    }
}
