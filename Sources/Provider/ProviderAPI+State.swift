import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// Suspending, cancelling, refunding (P3, P4), deleting (P5).
extension ProviderAPI {
    var stateRoutes: [Route] {
        [
            Route(
                .post, "/tenants/{slug}/suspend", "Suspend a tenant", access: .provider,
                gives: .done(Schemas.tenant), refuses: [409]
            ) { call in
                move(try tenant(of: call), "tenant.suspended", from: [.active], call) { $0.state = .suspended }
            },
            Route(
                .post, "/tenants/{slug}/resume", "Resume a tenant", access: .provider, gives: .done(Schemas.tenant),
                refuses: [409]
            ) { call in
                move(try tenant(of: call), "tenant.resumed", from: [.suspended], call) { $0.state = .active }
            },
            Route(
                .post, "/tenants/{slug}/cancel", "End a tenant with its paid period", access: .provider,
                gives: .done(Schemas.tenant), refuses: [409]
            ) { call in
                move(try tenant(of: call), "tenant.cancelled", from: [.active, .suspended], call) { profile in
                    guard profile.endsAt == nil else {
                        throw RegistryRefusal.notAllowed(Refusal.conflict(.tenant(.cancelled)))
                    }
                    profile.endsAt = Self.periodEnd(since: profile.createdAt, at: call.now)
                }
            },
            Route(
                .delete, "/tenants/{slug}/cancel", "Take a cancellation back", access: .provider,
                gives: .done(Schemas.tenant), refuses: [409]
            ) { call in
                move(try tenant(of: call), "tenant.uncancelled", from: [.active, .suspended], call) { profile in
                    guard profile.endsAt != nil else {
                        throw RegistryRefusal.notAllowed(Refusal.conflict(.notCancelled))
                    }
                    profile.endsAt = nil
                }
            },
            Route(
                .post, "/tenants/{slug}/refund", "Refund within 14 days; access ends", access: .provider,
                gives: .done(Schemas.tenant), refuses: [409]
            ) { call in
                let record = try tenant(of: call)
                if call.now >= record.profile.refundableUntil {
                    throw Refusal.conflict(.refundPeriodOver(record.profile.refundableUntil))
                }
                return move(record, "tenant.refunded", from: [.active, .suspended], call) { profile in
                    profile.state = .refunded
                    profile.endedAt = call.now
                }
            },
            Route(
                .delete, "/tenants/{slug}", "Erase a tenant for ever, now or after some days", access: .provider,
                parameters: [
                    .query("confirm", isRequired: true),
                    .query("after_days", .integer(1...Int64(Self.deletionDaysMax))),
                ], gives: .nothing
            ) { try delete($0) },
            Route(
                .delete, "/tenants/{slug}/deletion", "Take a deletion back that was put off", access: .provider,
                gives: .done(Schemas.tenant), refuses: [409]
            ) { call in
                change(try tenant(of: call), call.act("tenant.deletion_withdrawn"), call) { profile in
                    guard profile.deletesAt != nil else {
                        throw RegistryRefusal.notAllowed(Refusal.conflict(.notDeleting))
                    }
                    profile.deletesAt = nil
                }
            },
        ]
    }

    private func move(
        _ record: TenantRecord, _ event: String, from states: [TenantState], _ call: Call,
        _ change: @escaping @Sendable (inout TenantProfile) throws -> Void
    ) -> Work {
        self.change(record, call.act(event), call) { profile in
            try Self.judge(profile, isIn: states, call)
            try change(&profile)
        }
    }

    /// Throws where the tenant is in none of these states. One whose cancelled period is over has ended, whatever its
    /// row says.
    static func judge(_ profile: TenantProfile, isIn states: [TenantState], _ call: Call) throws {
        let isOver = profile.access(at: call.now) == .refused(.cancelled)
        guard states.contains(profile.state), !isOver else {
            throw RegistryRefusal.notAllowed(Refusal.conflict(.tenant(isOver ? .cancelled : profile.state)))
        }
    }

    private func change(
        _ record: TenantRecord, _ act: ProviderAct, _ call: Call,
        _ change: @escaping @Sendable (inout TenantProfile) throws -> Void
    ) -> Work {
        .flow { steps in
            try await steps.callback { done in
                fleet.change(record, as: act, judge: call.provider.judge, change) { done($0) }
            }
            return .files { .answer(answer(record, call)) }
        }
    }

    private static let deletionDaysMax = 365

    private func delete(_ call: Call) throws -> Work {
        let record = try tenant(of: call)
        guard try call.query()["confirm"] == record.slug else {
            throw Refusal.field("/confirm", "required", "must repeat the slug, “\(record.slug)”")
        }
        if let days = try call.query().integer("after_days", in: 1...Self.deletionDaysMax) {
            let at = fleet.clock.now().adding(days: Int64(days))
            let act = call.act("tenant.deletion_planned", detail: .json { $0.field("deletes_at", at.text) })
            return .flow { steps in
                try await steps.callback { done in
                    fleet.change(record, as: act, judge: call.provider.judge, { $0.deletesAt = at }) { done($0) }
                }
                return .answer(.noContent)
            }
        }
        return .flow { steps in
            try await steps.callback { done in
                fleet.delete(record, as: call.act("tenant.deleting"), judge: call.provider.judge) { done($0) }
            }
            return .answer(.noContent)
        }
    }

    /// Periods are months from the day of provisioning; the one that runs ends here.
    static func periodEnd(since start: Timestamp, at now: Timestamp) -> Timestamp {
        var period: Int64 = 0
        while Term.monthly.start(ofPeriod: period, anchor: start) <= now { period += 1 }
        return Term.monthly.start(ofPeriod: period, anchor: start)
    }
}
