import CallKit
import RateLimiter
import TenantRegistry

/// What a limit would have refused, tried on the calls that the audit log has (O2). Nothing is changed.
extension OperatorAdmin {
    static let rehearsals: [Route] = [
        Route(
            .post, "/api-keys/{id}/limit/rehearse", "Try a limit on a key's calls of some days; nothing is changed",
            access: .administrator, moves: .nothing, takes: Schemas.trial.schema, gives: .read(Schemas.rehearsal)
        ) { call in
            let name = call.parameters[0]
            return try rehearse(call) { tenant in
                let key = try tenant.knownKey(name)
                return [key.id: key.publicID]
            }
        },
        Route(
            .post, "/resellers/{id}/rate-limit/rehearse",
            "Try a limit on the calls that all of a reseller's keys share it for; nothing is changed",
            access: .administrator, moves: .nothing, takes: Schemas.trial.schema, gives: .read(Schemas.rehearsal)
        ) { call in
            let name = call.parameters[0]
            return try rehearse(call) { tenant in try tenant.callers(ofReseller: try tenant.knownReseller(name).id) }
        },
    ]

    private static func rehearse(
        _ call: Call, _ callers: @escaping @Sendable (TenantReader) throws -> [Int64: String]
    ) throws -> Work {
        let rehearsal = RehearseLimit(try call.read(Schemas.trial), now: call.now, callers: callers)
        return .flow { steps in
            let report = try await rehearsal.run(steps)
            return .read { .json(Schemas.rehearsal, report, in: $0.currency) }
        }
    }
}

extension OperatorAdmin.Schemas {
    /// `{requests, window_seconds, burst?, days?}`.
    fileprivate static let trial = Body(
        Field.part(KeyBodies.newLimit), Field.integer("days", 1...RehearseLimit.daysMax).or(7)
    ).map { limit, days in RehearseLimit.Trial(limit: limit, days: days) }

    private static let counts: [Shape<RehearseLimit.Counts>.Member] = [
        .member("asked", \.asked), .member("refused_then", \.refusedThen),
        .member("would_be_refused", \.wouldBeRefused), .member("counted_only", \.countedOnly),
    ]

    fileprivate static let rehearsal = Shape<RehearseLimit.Report>(
        "Rehearsal",
        [
            .object("limit", KeyBodies.limit, \.limit), .member("from", \.from), .member("until", \.until),
            .member("reaches_back_to", \.reachesBackTo), .part(counts, \.totals),
            .objectOrNull("smallest", KeyBodies.limit, \.smallest),
            .list(
                "hours",
                Shape<RehearseLimit.Hour>([
                    .member("key", \.key), .member("hour", \.begins), .part(counts, \.counts),
                ]), \.hours),
        ])
}
