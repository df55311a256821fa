import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// Suspending, cancelling, refunding (P3, P4), deleting (P5).
extension ProviderAPI {
    static let stateRoutes: [ProviderRoute] = [
        ProviderRoute(
            .post, "/tenants/{slug}/suspend", "Suspend a tenant", gives: .done(Schemas.tenant), refuses: [409]
        ) { api, call, _, reply in
            try api.move(call, "tenant.suspended", from: [.active], reply) { $0.state = .suspended }
        },
        ProviderRoute(.post, "/tenants/{slug}/resume", "Resume a tenant", gives: .done(Schemas.tenant), refuses: [409])
        { api, call, _, reply in
            try api.move(call, "tenant.resumed", from: [.suspended], reply) { $0.state = .active }
        },
        ProviderRoute(
            .post, "/tenants/{slug}/cancel", "End a tenant with its paid period", gives: .done(Schemas.tenant),
            refuses: [409]
        ) { api, call, _, reply in
            let now = call.now
            try api.move(call, "tenant.cancelled", from: [.active, .suspended], reply) { profile in
                if profile.endsAt == nil { profile.endsAt = periodEnd(since: profile.createdAt, at: now) }
            }
        },
        ProviderRoute(
            .post, "/tenants/{slug}/refund", "Refund within 14 days; access ends", gives: .done(Schemas.tenant),
            refuses: [409]
        ) { api, call, _, reply in
            let record = try api.tenant(call.parameters[0])
            if call.now >= record.profile.refundableUntil {
                throw Refusal.conflict(.refundPeriodOver(record.profile.refundableUntil))
            }
            let now = call.now
            try api.move(call, "tenant.refunded", from: [.active, .suspended], reply) { profile in
                profile.state = .refunded
                profile.endedAt = now
            }
        },
        ProviderRoute(
            .delete, "/tenants/{slug}", "Erase a tenant for ever", parameters: [.query("confirm", isRequired: true)],
            gives: .nothing
        ) { api, call, _, reply in
            let record = try api.tenant(call.parameters[0])
            guard try call.query()["confirm"] == record.slug else {
                throw Refusal.field("/confirm", "required", "must repeat the slug: ?confirm=\(record.slug)")
            }
            api.fleet.delete(record, requestID: call.requestID, judge: call.caller.judge) { result in
                api.domainsChanged()
                reply(result.map { .whole(.noContent) })
            }
        },
    ]

    private func move(
        _ call: ProviderCall, _ event: String, from states: [TenantState], _ reply: @escaping ProviderRoute.Reply,
        _ change: @escaping @Sendable (inout TenantProfile) -> Void
    ) throws {
        let record = try tenant(call.parameters[0])
        fleet.change(
            record, event: event, requestID: call.requestID,
            { profile in
                try call.caller.judge()
                let access = profile.access(at: call.now)
                // A tenant whose cancelled period is over has ended, whatever its row says.
                guard states.contains(profile.state), access != .refused(.cancelled) else {
                    let state = access == .refused(.cancelled) ? .cancelled : profile.state
                    throw RegistryRefusal.notAllowed(Refusal.conflict(.tenant(state)))
                }
                change(&profile)
            }
        ) { [self] result in
            reply(result.map { [self] in .whole(.json { encode(record, call, &$0) }) })
        }
    }

    /// Periods are months from the day of provisioning; the one that runs ends here.
    static func periodEnd(since start: Timestamp, at now: Timestamp) -> Timestamp {
        var end = start
        while end <= now { end = Term.monthly.advance(from: end, anchorDay: start.date.day) }
        return end
    }
}
