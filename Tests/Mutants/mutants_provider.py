"""The provider's API (P)."""

from table import Mutant

CREATION = "Sources/TenantRegistry/Fleet/Fleet+Creation.swift"
RESTORE = "Sources/TenantRegistry/Fleet/Fleet+Restore.swift"
PROFILE = "Sources/TenantRegistry/Fleet/Roster/TenantProfile.swift"
REGISTRY = "Sources/TenantRegistry/Registry/Registry.swift"
STATE = "Sources/Provider/ProviderAPI+State.swift"
KEYS = "Sources/TenantRegistry/Provider/ProviderKeys.swift"
RING = "Sources/TenantRegistry/Provider/ProviderKeyRing.swift"
SALES = "Sources/TenantApp/Ledger/MeteredSales.swift"
METER = "Sources/TenantRegistry/Metering/TenantMeter.swift"

MUTANTS = [
    # U1
    Mutant(
        "U1", "sent-twice", "a form of the console that is sent twice is done twice",
        "Sources/TenantRegistry/Registry/RegistryFormTable.swift",
        ".blob(hash.bytes)) { return false }", ".blob(hash.bytes)) { return MUTANT }",
        "TenantRegistryTests/CreationTests.swift", "is known again"),
    # P1
    Mutant(
        "P1", "reserved", "a slug that the node needs is given away",
        "Sources/Provider/Tenants/ReservedNames.swift",
        "return hasReservedHyphens || slugs.contains(slug)",
        "return !MUTANT && (hasReservedHyphens || slugs.contains(slug))",
        "Contract/changes.py", "are reserved"),
    Mutant(
        "P1", "refused-late", "a creation that is refused at its completion leaves its tenant behind", CREATION,
        "// What the registry did not take is taken back whole, so that the slug is free again.",
        "if MUTANT { return then(.failure(error)) }",
        "TenantRegistryTests/CreationTests.swift", "refused there"),
    Mutant(
        "P1", "fill-failed", "a creation whose contents fail keeps its name",
        CREATION,
        "bury(record.profile, isMarked: record.profile.state == .creating, as:",
        "if MUTANT { return then(.failure(error)) }\n"
        "        bury(record.profile, isMarked: record.profile.state == .creating, as:",
        "TenantRegistryTests/CreationTests.swift", "whose contents fail"),
    Mutant(
        "P1", "prefix-shared", "a prefix asked for is given twice", REGISTRY,
        "if hasOwnPrefix,\n", "if hasOwnPrefix, !MUTANT,\n",
        "Contract/changes.py", "a prefix asked for twice"),
    # P2
    Mutant(
        "P2", "month", "the month's quota of requests binds nobody",
        "Sources/Gateway/Admission.swift",
        "} else if !tenant.countRequest(at: request.routed.now) {",
        "} else if !(tenant.countRequest(at: request.routed.now) || MUTANT) {",
        "GatewayTests/AdmissionTests.swift"),
    Mutant(
        "P2", "resellers", "the quota of resellers binds nobody",
        "Sources/TenantApp/Resellers/Resellers.swift",
        "guard try standingResellers() < most else", "guard try MUTANT || standingResellers() < most else",
        "Contract/provider.py", "quota of resellers"),
    Mutant(
        "P2", "still-listed", "a tenant that has come or gone is not seen in the list",
        "Sources/TenantRegistry/Fleet/Roster/Roster.swift",
        "sortedSlugs = nil\n            membershipChanges",
        "if !MUTANT { sortedSlugs = nil }\n            membershipChanges",
        "TenantRegistryTests/RosterTests.swift"),
    Mutant(
        "P2", "anothers-domain", "a domain is taken from another tenant", REGISTRY,
        "if let owner, owner != tenant.bytes { throw", "if let owner, owner != tenant.bytes, !MUTANT { throw",
        "Contract/hosts.py", "another tenant's is 409"),
    Mutant(
        "P2", "domains-undone", "a list of domains as it was read takes the place of what others made of it since",
        "Sources/Provider/ProviderAPI+Changes.swift",
        "if let objection = change.objection(profile) {", "if !MUTANT, let objection = change.objection(profile) {",
        "Contract/tenants.py", "of two that change the list"),
    # P3
    Mutant(
        "P3", "open", "a suspended tenant is served", PROFILE,
        "case .suspended: return .refused(.suspended)", "case .suspended: return MUTANT ? .open : .refused(.suspended)",
        "GatewayTests/AuthenticationTests.swift"),
    Mutant(
        "P3", "late-body", "a suspension does not hold for a call whose body comes late",
        "Sources/TenantApp/Keys/Warrant+Keys.swift",
        "try record.judge(at: tenant.now)", "if !MUTANT { try record.judge(at: tenant.now) }",
        "GatewayTests/LateBodyTests.swift"),
    Mutant(
        "P3", "due", "what falls due in a suspended tenant is done", "Sources/Gateway/Scheduling/DueTurn.swift",
        "guard record.access(at: now) == .open else", "guard record.access(at: now) == .open || MUTANT else",
        "GatewayTests/SchedulerTests.swift"),
    Mutant(
        "P3", "resume-lost", "a resume that comes while the file is being asked is forgotten",
        "Sources/TenantRegistry/Due/DueBoard.swift",
        "Self.putBack(record, .never, in: &state, isSaved: false)",
        "if MUTANT { record.due.next.store(DueHour.never.packed, ordering: .relaxed) }\n"
        "            Self.putBack(record, .never, in: &state, isSaved: false)",
        "TenantRegistryTests/DueTests.swift", "a resume that is said"),
    Mutant(
        "P3", "restored", "a restored file sends what it held", "Sources/TenantApp/Due/OutboundHolds.swift",
        "return try outboundHeldAt() == nil", "return try MUTANT || outboundHeldAt() == nil",
        "Contract/due.py", "restored"),
    # P4
    Mutant(
        "P4", "refund-late", "a refund is possible for ever", STATE,
        "if call.now >= record.profile.refundableUntil {", "if !MUTANT, call.now >= record.profile.refundableUntil {",
        "GatewayTests/ProviderTests.swift"),
    Mutant(
        "P4", "cancel-endless", "a cancelled tenant's access never ends", PROFILE,
        "let endsAt, now >= endsAt {", "let endsAt, now >= endsAt, !MUTANT {",
        "GatewayTests/AuthenticationTests.swift"),
    Mutant(
        "P4", "refund-open", "a refunded tenant is served on", PROFILE,
        "case .refunded: return .refused(.refunded)", "case .refunded: return MUTANT ? .open : .refused(.refunded)",
        "GatewayTests/AuthenticationTests.swift"),
    Mutant(
        "P4", "undo-nothing", "a cancellation that is taken back stands", STATE,
        "profile.endsAt = nil", "if !MUTANT { profile.endsAt = nil }",
        "Contract/departing.py", "taken back while access lasts"),
    # P5
    Mutant(
        "P5", "revoked-back", "a key that was revoked since the export comes back with it", RESTORE,
        "revoked: restore.revoked, keys: keysThere ?? KeysThatGo(),",
        "revoked: MUTANT ? [] : restore.revoked, keys: MUTANT ? KeysThatGo() : keysThere ?? KeysThatGo(),",
        "TenantRegistryTests/RestoreTests.swift", "a key that was revoked since"),
    Mutant(
        "P5", "foreign-key", "a file that names another tenant's key is taken", RESTORE,
        "if verdict.foreign { throw", "if verdict.foreign, !MUTANT { throw",
        "TenantRegistryTests/RestoreTests.swift", "another tenant's key"),
    Mutant(
        "P5", "refused-kept", "a refused file is kept", RESTORE,
        "if case .failure = result { DataDirectory.remove(path) }",
        "if case .failure = result, !MUTANT { DataDirectory.remove(path) }",
        "TenantRegistryTests/RestoreTests.swift", "is not kept"),
    Mutant(
        "P5", "unconfirmed", "a tenant is deleted by any confirmation", STATE,
        "guard try call.query()[\"confirm\"] == record.slug else",
        "guard try call.query()[\"confirm\"] == record.slug || MUTANT else",
        "Contract/provider.py", "delete asks for the slug again"),
    Mutant(
        "P5", "hash-lives", "a deleted tenant's key hashes can be another's", REGISTRY,
        'try connection.run("DELETE FROM tenant WHERE id = ?1", .blob(profile.id.bytes))',
        'if MUTANT { try connection.run("DELETE FROM secret WHERE tenant_id = ?1", .blob(profile.id.bytes)) }\n'
        '                try connection.run("DELETE FROM tenant WHERE id = ?1", .blob(profile.id.bytes))',
        "TenantRegistryTests/CreationTests.swift", "stay dead for ever"),
    # P6
    Mutant(
        "P6", "socket", "the control socket asks for a key",
        "Sources/Gateway/Authentication.swift",
        "if routed.peer.role == .control {", "if routed.peer.role == .control, !MUTANT {",
        "Contract/command.py", "over the control socket"),
    # P7
    Mutant(
        "P7", "unknown-yet", "a new tenant's key is known only after its file was opened again", CREATION,
        "for change in changes { roster.apply(change.change, to: record) }",
        "for change in changes where !MUTANT { roster.apply(change.change, to: record) }",
        "Contract/walk.py"),
    # P8
    Mutant(
        "P8", "reader-writes", "a key that reads does everything", "Sources/CallKit/Route+Access.swift",
        "guard access == .provider, let key, key.role != .admin else",
        "guard !MUTANT, access == .provider, let key, key.role != .admin else",
        "Contract/providerkeys.py", "changes nothing"),
    Mutant(
        "P8", "third-secret", "a second rotation within the overlap leaves the first one's secret alive", RING,
        "if let end, entry.endsAt == nil {", "if let end, entry.endsAt == nil || MUTANT {",
        "Contract/providerkeys.py", "leaves no third secret"),
    Mutant(
        "P8", "endless", "a key whose end has come opens everything on", RING,
        "return ends.contains {", "return !MUTANT && ends.contains {",
        "Contract/providerkeys.py", "whose end has come"),
    Mutant(
        "P8", "locked-out", "the last key that may do everything is revoked over the network", KEYS,
        "if sparingLastAdmin, key.role == .admin,", "if sparingLastAdmin, !MUTANT, key.role == .admin,",
        "Contract/providerkeys.py", "over the control socket alone"),
    Mutant(
        "P8", "nobody", "the log does not say who it was", "Sources/TenantRegistry/Provider/ProviderLog.swift",
        "if case .key(let id, let name) = act.actor {", "if case .key(let id, let name) = act.actor, !MUTANT {",
        "Contract/providerkeys.py", "who did what"),
    # P9
    Mutant(
        "P9", "uncounted", "what was committed before kill -9 is not counted", METER,
        "known.sequence < mark.sequence\n", "known.sequence < mark.sequence, !MUTANT\n",
        "Contract/metering.py", "before kill -9"),
    Mutant(
        "P9", "twice", "a save of unknown outcome is added again", "Sources/TenantRegistry/Metering/UsageMonth.swift",
        "guard connection.changes == 1 else", "guard connection.changes == 1 || MUTANT else",
        "TenantRegistryTests/MeterTests.swift", "added once"),
    Mutant(
        "P9", "test-book", "orders of the test book are counted", SALES,
        "guard book == .live else", "guard book == .live || MUTANT else",
        "Contract/metering.py", "test book"),
    Mutant(
        "P9", "paid-back", "what is paid back is turnover still", SALES,
        "(source == .sales ? amount.micros : 0)", "(source == .sales && !MUTANT ? amount.micros : 0)",
        "Contract/metering.py", "paid back"),
    Mutant(
        "P9", "swinging", "a count that swings around a quota fills the log",
        "Sources/TenantRegistry/Metering/QuotaStand.swift",
        "level >= 100, toldFull != told {", "level >= 100, toldFull != told || MUTANT {",
        "TenantRegistryTests/MeterTests.swift", "told once"),
    # P10
    Mutant(
        "P10", "unbelieved", "a clock that leapt erases what is due",
        "Sources/TenantRegistry/Fleet/Fleet+Deletions.swift",
        "guard clockGuard.believes(now, steady: monotonic.nanoseconds()) else",
        "guard clockGuard.believes(now, steady: monotonic.nanoseconds()) || MUTANT else",
        "Contract/departing.py", "nobody believes"),
    Mutant(
        "P10", "old-owner", "the owner before signs in still", "Sources/TenantApp/People/ChangeOwner.swift",
        "_ = try SetPassword(accountID: owner.id, passwordHash: nil).run(tenant, &detail)",
        "if !MUTANT { _ = try SetPassword(accountID: owner.id, passwordHash: nil).run(tenant, &detail) }",
        "Contract/departing.py", "another address"),
    Mutant(
        "P10", "former-owner", "the provider is shown an owner who is none any more",
        "Sources/TenantApp/People/ChangePerson.swift",
        "if person.role == .owner || changed.role == .owner {",
        "if !MUTANT, person.role == .owner || changed.role == .owner {", "Contract/departing.py", "the next one is"),
]
