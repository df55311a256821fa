package import CallKit
package import TenantRegistry

/// Takes what a provisioner has said of a unit, by an answer or a callback, and does what follows from it for money and
/// service (W13). What was said before, or of a verb that has been answered, changes nothing.
package struct TakeProvisioningAnswer: Sendable {
    package let serviceID: Int64
    package let n: Int64
    package let answer: ProvisioningAnswer
    package let news: ProvisioningNews
    /// Of a callback: what only the same one again has (`ProvisioningCallbacks.mark`).
    package let callbackMark: String?
    /// Of an answer: who was asked.
    package let askedURL: String?
    /// Of an answer: before then nobody could ask.
    package let idleUntil: Timestamp?

    package init(
        serviceID: Int64, n: Int64, answer: ProvisioningAnswer, news: ProvisioningNews, callbackMark: String? = nil,
        askedURL: String? = nil, idleUntil: Timestamp? = nil
    ) {
        self.serviceID = serviceID
        self.n = n
        self.answer = answer
        self.news = news
        self.callbackMark = callbackMark
        self.askedURL = askedURL
        self.idleUntil = idleUntil
    }

    /// By the node itself, which writes the audit row: not where nothing but the next try has changed.
    package func runByItself(_ tenant: TenantTransaction) throws {
        guard let before = try tenant.provisioning(ofService: serviceID) else { return }
        var detail = AuditDetail()
        try run(tenant, &detail)
        guard let after = try tenant.provisioning(ofService: serviceID),
            (after.state.n, after.state.phase) != (before.state.n, before.state.phase)
        else { return }
        tenant.noteClockwork(Self.action, resellerID: before.resellerID, book: before.book, detail)
    }

    private static let action = "provisioning.answered"

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        guard var known = try tenant.provisioning(ofService: serviceID) else { throw Refusal.notFound(.service) }
        detail.resellerID = known.resellerID
        detail.note("service", known.servicePublicID)
        detail.note("answer", "\(answer.name) \(n)")
        if let callbackMark, callbackMark == known.callbackMark { return }
        guard n == known.state.n, known.state.verb != nil else {
            // The first verb of a unit is its create, and no other is.
            let isNews = n < known.state.n || n == known.state.n && known.state.verb == nil
            let isCreate = n == ProvisioningState.createNumber
            if isNews, isCreate, known.state.takeLate(answer, of: .create, at: tenant.now) {
                detail.note("late", "terminated")
                try tenant.save(known.state, ofService: serviceID)
                try tenant.note(news, ofService: serviceID, callbackMark: callbackMark)
            }
            return
        }
        if try isOfOneReplaced(tenant) {
            // What is stuck stays with the person who sees to it.
            if known.state.phase != .stuck { known.state.retry(at: tenant.now) }
            try tenant.save(known.state, ofService: serviceID)
            return try tenant.note(news, ofService: serviceID)
        }
        let outcome = known.state.take(answer, at: tenant.now, idleUntil: try idle(tenant))
        if case .refused(let reason?) = outcome { detail.note("reason", reason) }
        try tenant.save(known.state, ofService: serviceID)
        try tenant.note(news, ofService: serviceID, callbackMark: callbackMark)
        try Self.apply(outcome, to: known, tenant, &detail)
        if case .refused = outcome {
            try PayDueServices.run(tenant, resellerID: known.resellerID, book: known.book, keyID: 0, &detail)
        }
    }

    /// Whoever is in force now may have the unit, or makes it: what one who was replaced meanwhile says of it, but that
    /// it is done, decides nothing.
    private func isOfOneReplaced(_ tenant: TenantReader) throws -> Bool {
        if case .ready = answer { return false }
        guard let askedURL, let service = try tenant.service(id: serviceID) else { return false }
        return try tenant.provisionerURL(product: service.productID) != askedURL
    }

    /// A callback may come while nobody asks.
    private func idle(_ tenant: TenantReader) throws -> Timestamp? {
        if callbackMark == nil { return idleUntil }
        return try tenant.sendsOutbound() ? nil : tenant.now
    }

    /// What an outcome means for the unit's money and details. What comes back pays nothing here: that is done once for
    /// all units of a call.
    static func apply(
        _ outcome: ProvisioningState.Outcome, to unit: Provisioning, _ tenant: TenantTransaction,
        _ detail: inout AuditDetail, accountID: Int64 = 0, keyID: Int64 = 0
    ) throws {
        func settle(_ decision: SettleUnit.Decision) throws {
            try SettleUnit(
                serviceID: unit.servicePublicID, decision: decision, accountID: accountID, keyID: keyID
            ).run(tenant, &detail)
        }
        switch outcome {
        case .nothing: break
        case .created(let details):
            if let details { try tenant.setDetails(details, ofService: unit.serviceID) }
            try settle(.ready)
        case .refused(let reason): try settle(.rejected(reason: reason ?? "The provisioner refused it."))
        case .details(let details): try tenant.setDetails(details, ofService: unit.serviceID)
        }
    }
}
