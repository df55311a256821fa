"""Several nodes over one log (N1–N6)."""

from table import Mutant

CLUSTER = "Sources/TenantRegistry/Cluster/"
FLEETS = "SurvivalTests/ClusterFleetTests.swift"
BEATS = "SurvivalTests/ClusterBeatsTests.swift"
APPENDS = "ClusterTests/AppendTests.swift"

MUTANTS = [
    Mutant(
        "N1", "served-anywhere", "a node serves what the log says is another's", CLUSTER + "ClusterMember.swift",
        "if owner == name {\n                let isShown = state.ready.contains(tenant)",
        "if owner == name || MUTANT {\n                let isShown = MUTANT || state.ready.contains(tenant)",
        FLEETS, "a tenant that one node makes is known"),
    Mutant(
        "N2", "early", "a commit counts as durable before the log has it", CLUSTER + "SharedSink.swift",
        "if lsn <= state.durable { return .durable }",
        "if lsn <= state.durable || MUTANT { return .durable }",
        "SurvivalTests/ClusterSimulationTests.swift", "whatever fails"),
    Mutant(
        "N2", "unfenced", "an append of an epoch that is over is taken", "Sources/Cluster/PostgresSchema.swift",
        "UPDATE tollgate.head SET sequence = $3, chain = $5\n            WHERE tenant = $1 AND epoch = $2",
        "UPDATE tollgate.head SET sequence = $3, chain = $5\n"
        "            WHERE tenant = $1 AND epoch \\(MUTANT ? \">=\" : \"=\") $2",
        APPENDS, "whoever opened a tenant before"),
    Mutant(
        "N3", "no-lease", "a node shows what it has although its lease is over", CLUSTER + "SharedSink.swift",
        "var mayShow: Bool { member.place(of: tenant) == .here }",
        "var mayShow: Bool { member.place(of: tenant) == .here || MUTANT }",
        "SurvivalTests/ClusterSimulationTests.swift", "whatever fails"),
    Mutant(
        "N3", "claims-alive", "a claim takes tenants of a node that is alive again",
        "Sources/Cluster/PostgresSchema.swift",
        "AND generation = $2 AND beats = $3)",
        "AND generation = $2 AND beats \\(MUTANT ? \">=\" : \"=\") $3)",
        "ClusterTests/ConformanceTests.swift", "keeps what every such log promises"),
    Mutant(
        "N3", "claims-at-once", "claims take so long that who makes them loses its own lease",
        CLUSTER + "Fleet+Beats.swift",
        "if isOver || !cluster.isServing { break }", "if (isOver || !cluster.isServing) && !MUTANT { break }",
        BEATS, "slow claims of many tenants"),
    Mutant(
        "H3", "slept-over", "a node that slept sends what another sends by then",
        "Sources/Gateway/Outbound/SendingState.swift",
        "let isHere = moment.fleet.maySend(for: key.tenant)",
        "let isHere = MUTANT || moment.fleet.maySend(for: key.tenant)",
        "GatewayTests/ClusterSendingTests.swift", "a node that slept sends no webhook"),
    Mutant(
        "N4", "drained-early", "a drain ends while tenants are still being taken over", CLUSTER + "Fleet+Moves.swift",
        "if arriving.isEmpty { return", "if arriving.isEmpty || MUTANT { return",
        BEATS, "a drain ends once"),
    Mutant(
        "N4", "reads-left", "records of the last reads stay behind where a tenant moves", CLUSTER + "Fleet+Moves.swift",
        "guard control.isOpen else { return }", "guard control.isOpen, !MUTANT else { return }",
        FLEETS, "goes along"),
    Mutant(
        "N5", "drawn-twice", "a level that comes back with its tenant counts twice", "Sources/RateLimiter/Bucket.swift",
        "let sum = isRepeat ? max(", "let sum = isRepeat && !MUTANT ? max(",
        "RateLimiterTests/ChangeTests.swift", "counts once"),
    Mutant(
        "N5", "untold", "a key's change is answered though other nodes were not told",
        "Sources/CallKit/Running/TenantWrite.swift",
        "projectAgain(record, upTo: last.epoch, then: then)",
        "MUTANT ? then(true) : projectAgain(record, upTo: last.epoch, then: then)",
        "SurvivalTests/ClusterProjectionTests.swift", "made again before"),
    Mutant(
        "N5", "others-word", "a node says in the registry what is another's to say", CLUSTER + "SharedRegistry.swift",
        "return answer\n", "return answer || MUTANT\n",
        FLEETS, "by the tenants' own nodes alone"),
    Mutant(
        "N6", "back-and-on", "a node goes on over a database that was taken back", CLUSTER + "Fleet+Beats.swift",
        "if cluster.isTakenBack(view) {", "if cluster.isTakenBack(view), !MUTANT {",
        FLEETS, "say so, and show nothing"),
    Mutant(
        "N5", "told-late", "a commit of the registry that came late is told as lost", CLUSTER + "SharedRegistry.swift",
        "failed.withLock { $0 = .cameLate }",
        "failed.withLock { $0 = MUTANT ? .told(.logUnavailable) : .cameLate }",
        "SurvivalTests/ClusterSimulationTests.swift", "whatever fails"),
    Mutant(
        "N5", "unfollowed", "memory does not follow what others commit", CLUSTER + "Fleet+Cluster.swift",
        "for subject in subjects { follow(subject) }",
        "for subject in subjects where !MUTANT { follow(subject) }",
        FLEETS, "a tenant that one node makes is known"),
    Mutant(
        "N5", "sign-out-unheard", "a sign-out at one node leaves the session open at the others",
        CLUSTER + "Fleet+Cluster.swift",
        "case .signOuts(let ended): consoleSessions.follow(ended)",
        "case .signOuts(let ended): consoleSessions.follow(MUTANT ? [:] : ended)",
        "GatewayTests/ClusterConsoleTests.swift", "signs out of all before that is answered"),
    Mutant(
        "N5", "levels-unread", "limits are forgiven where a new node could not read what they are drawn on",
        CLUSTER + "Fleet+Beats.swift",
        "guard (try? cluster.takeLevels(of: tenants)) != nil else {",
        "guard (try? cluster.takeLevels(of: tenants)) != nil || MUTANT else {",
        "GatewayTests/ClusterTests.swift", "a failed read forgives none"),
    Mutant(
        "N5", "own-certificates", "certificates that another node was given are not served",
        CLUSTER + "Fleet+Cluster.swift",
        "if replaceCertificates(of: id, with: known.certificates) {",
        "if replaceCertificates(of: id, with: known.certificates), !MUTANT {",
        "Contract/clustertls.py", "is served by the others too"),
    Mutant(
        "N5", "former-certificates", "who had a domain before takes its certificate along",
        "Sources/TenantRegistry/Fleet/Fleet+Certificates.swift",
        "all.removeAll { $0.tenant == tenant }",
        "all.removeAll { $0.tenant == tenant || MUTANT }",
        FLEETS, "a domain that goes from one tenant to another"),
    Mutant(
        "N5", "not-readdressed", "a call goes on to the tenant that had its domain or slug before",
        "Sources/Gateway/Forwarding/ForwardedCall.swift",
        "guard readdresses() else { return look(for: record) }",
        "guard readdresses(), !MUTANT else { return look(for: record) }",
        "GatewayTests/ClusterTests.swift", "a domain that goes from one tenant to another"),
    Mutant(
        "N6", "late-arrival", "what was told to be absent may still arrive", "Sources/Cluster/PostgresSchema.swift",
        "UPDATE tollgate.head h SET epoch = h.epoch + 1 FROM mine",
        "UPDATE tollgate.head h SET epoch = h.epoch + \\(MUTANT ? 0 : 1) FROM mine",
        "ClusterTests/FaultTests.swift", "a commit that arrives after"),
    Mutant(
        "N2", "made-after-all", "a node that was away makes a tenant whole that others have ended",
        "Sources/TenantRegistry/Registry/Registry.swift",
        "guard try RegistryReading.profile(tenant, in: connection)?.state == .creating else {",
        "guard try MUTANT || RegistryReading.profile(tenant, in: connection)?.state == .creating else {",
        "TenantRegistryTests/CreationTests.swift", "a creation that others have ended"),
    Mutant(
        "N2", "ended-whole", "a tenant is erased by whoever found it half-made, though it is whole by now",
        "Sources/TenantRegistry/Fleet/Fleet+Erasure.swift",
        "guard profile.isUnfinished else { throw IsWhole() }",
        "guard MUTANT || profile.isUnfinished else { throw IsWhole() }",
        "TenantRegistryTests/CreationTests.swift", "a creation that others have ended"),
    Mutant(
        "N2", "by-count-alone", "a tenant that writes little keeps every day of the log",
        CLUSTER + "ClusterMember+Tails.swift",
        "if isOld && records > 0 { return true }", "if isOld && records > 0 && !MUTANT { return true }",
        "SurvivalTests/ClusterSnapshotTests.swift", "a snapshot a day after"),
    Mutant(
        "N2", "count-lost", "a node that is begun anew knows of no records that wait for a snapshot",
        CLUSTER + "ClusterMember+Tails.swift",
        "(self.records, self.isOld) = (records, isOld)",
        "(self.records, self.isOld) = (MUTANT ? self.records : records, isOld)",
        "SurvivalTests/ClusterSnapshotTests.swift", "are known to the node that was begun anew"),
    Mutant(
        "N2", "sessions", "each who asks the database at once has a session of his own",
        "Sources/Cluster/PostgresSessions.swift",
        "if !isAhead { try Self.wait(for: askers, until: deadline) }",
        "if !isAhead && !MUTANT { try Self.wait(for: askers, until: deadline) }",
        "ClusterTests/SessionTests.swift", "share a few sessions"),
    Mutant(
        "N5", "registry-step", "a program that changes the registry joins while older nodes serve",
        CLUSTER + "ClusterMember+Upgrade.swift",
        "if alive.isEmpty {", "if alive.isEmpty || MUTANT {",
        "SurvivalTests/ClusterRegistryTests.swift", "does not join while nodes run"),
    Mutant(
        "N4", "drains-unsaid", "a drain gives tenants away before the log says that the node takes none",
        CLUSTER + "Fleet+Moves.swift",
        "guard saysThatItDrains(cluster) else", "guard MUTANT || saysThatItDrains(cluster) else",
        BEATS, "a drain ends once"),
    Mutant(
        "N6", "useless-fetched", "files that are here and of no use are fetched past the places for that",
        CLUSTER + "ClusterMember.swift",
        "if isFetched { return }", "if isFetched || MUTANT { return }",
        "SurvivalTests/ClusterFetchTests.swift", "here and of no use"),
    Mutant(
        "N3", "columns-wait", "beats wait behind a node that joins and wants to change their table",
        "Sources/Cluster/PostgresSchema.swift",
        "SET LOCAL lock_timeout = '300ms'", "SET LOCAL lock_timeout = '\\(MUTANT ? 10_000 : 300)ms'",
        "ClusterTests/NodeTests.swift", "keeps no beat waiting"),
    Mutant(
        "N5", "step-again", "who comes second of an upgrade is asked whether it may change what was changed",
        CLUSTER + "ClusterMember+Upgrade.swift",
        "if view.registrySchema >= options.registrySchema { return [] }",
        "if view.registrySchema >= options.registrySchema, !MUTANT { return [] }",
        "SurvivalTests/ClusterRegistryTests.swift", "the others are upgraded one after the other"),
    Mutant(
        "N6", "all-read", "who reads large snapshots keeps others from a few records",
        "Sources/Cluster/PostgresLog+Reading.swift",
        "behind: tenant == .registry ? nil : sessions.downloads",
        "behind: tenant == .registry ? nil : MUTANT ? sessions.readers : sessions.downloads",
        "ClusterTests/SessionTests.swift", "keep nobody from records"),
    Mutant(
        "B2", "last-fallback", "a tenant that is used and whose snapshots fail keeps its newest alone",
        "Sources/Cluster/PostgresSchema+Past.swift",
        "SELECT CASE WHEN max(t.sequence) = h.sequence\n",
        "SELECT CASE WHEN max(t.sequence) \\(MUTANT ? \"<=\" : \"=\") h.sequence\n",
        "ClusterTests/LogPastTests.swift", "a tenant that is used"),
    Mutant(
        "N6", "all-fetch", "files that are fetched take all workers", CLUSTER + "ClusterMember.swift",
        "guard state.fetches < bounds.fetchesMax else { return false }",
        "guard state.fetches < bounds.fetchesMax || MUTANT else { return false }",
        "SurvivalTests/ClusterFetchTests.swift", "leave workers to tenants"),
    Mutant(
        "N6", "chains-add-up", "each takeover fetches in the background beside the others",
        CLUSTER + "ClusterMember.swift",
        "guard state.backgroundFetches < bounds.backgroundFetchesMax else { return false }",
        "guard state.backgroundFetches < bounds.backgroundFetchesMax || MUTANT else { return false }",
        "SurvivalTests/ClusterFetchTests.swift", "share the places of the background"),
]
