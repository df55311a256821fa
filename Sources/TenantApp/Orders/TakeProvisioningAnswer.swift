package import CallKit
package import TenantRegistry

/// Takes what a provisioner has said of a unit, by an answer or a callback, and does what follows from it for money and
/// service (W13). What was said before, or of a verb that has been answered, changes nothing.
package struct TakeProvisioningAnswer: Sendable {
    package let serviceID: Int64
    package let n: Int64
    package let answer: ProvisioningAnswer
    package let news: ProvisioningNews
    /// Of a callback.
    package let callbackID: String?

    package init(
        serviceID: Int64, n: Int64, answer: ProvisioningAnswer, news: ProvisioningNews, callbackID: String? = nil
    ) {
        self.serviceID = serviceID
        self.n = n
        self.answer = answer
        self.news = news
        self.callbackID = callbackID
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
        if let callbackID, callbackID == known.callbackID { return }
        guard n == known.state.n, known.state.verb != nil else {
            // The first verb of a unit is its create, and no other is.
            let isNews = n < known.state.n || n == known.state.n && known.state.verb == nil
            let isCreate = n == ProvisioningState.createNumber
            if isNews, isCreate, known.state.takeLate(answer, of: .create, at: tenant.now) {
                detail.note("late", "terminated")
                try tenant.save(known.state, ofService: serviceID)
                try tenant.note(news, ofService: serviceID, callbackID: callbackID)
            }
            return
        }
        let outcome = known.state.take(answer, at: tenant.now)
        if case .refused(let reason?) = outcome { detail.note("reason", reason) }
        try tenant.save(known.state, ofService: serviceID)
        try tenant.note(news, ofService: serviceID, callbackID: callbackID)
        try Self.apply(outcome, to: known, tenant, &detail)
        if case .refused = outcome {
            try PayDueServices.run(tenant, resellerID: known.resellerID, book: known.book, keyID: 0, &detail)
        }
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
