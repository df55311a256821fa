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
                    if profile.endsAt == nil { profile.endsAt = Self.periodEnd(since: profile.createdAt, at: call.now) }
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
                .delete, "/tenants/{slug}", "Erase a tenant for ever", access: .provider,
                parameters: [.query("confirm", isRequired: true)], gives: .nothing
            ) { try delete($0) },
        ]
    }

    private func move(
        _ record: TenantRecord, _ event: String, from states: [TenantState], _ call: Call,
        _ change: @escaping @Sendable (inout TenantProfile) -> Void
    ) -> Work {
        .flow { steps in
            try await steps.callback { done in
                fleet.change(record, as: call.act(event), judge: call.provider.judge) { profile in
                    let access = profile.access(at: call.now)
                    // A tenant whose cancelled period is over has ended, whatever its row says.
                    guard states.contains(profile.state), access != .refused(.cancelled) else {
                        let state = access == .refused(.cancelled) ? .cancelled : profile.state
                        throw RegistryRefusal.notAllowed(Refusal.conflict(.tenant(state)))
                    }
                    change(&profile)
                } then: { result in
                    done(result)
                }
            }
            return .answer(answer(record, call))
        }
    }

    private func delete(_ call: Call) throws -> Work {
        let record = try tenant(of: call)
        guard try call.query()["confirm"] == record.slug else {
            throw Refusal.field("/confirm", "required", "must repeat the slug: ?confirm=\(record.slug)")
        }
        return .flow { steps in
            try await steps.callback { done in
                fleet.delete(record, as: call.act("tenant.deleting"), judge: call.provider.judge) { result in
                    domainsChanged()
                    done(result)
                }
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
