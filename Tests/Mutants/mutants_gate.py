"""The gate itself (G) and webhooks out (H)."""

from table import Mutant

WRITE = "Sources/CallKit/Running/TenantWrite.swift"
ANSWERS = "Sources/CallKit/Running/StoredAnswers.swift"
BUCKET = "Sources/RateLimiter/Bucket.swift"
CHAIN = "Sources/TenantRegistry/Chain/AuditChain.swift"
CHAIN_CHECK = "Sources/TenantApp/Verify/ChainCheck.swift"
READ_LOG = "Sources/TenantRegistry/Chain/ReadLog.swift"
HEAD = "Sources/HTTPServer/Parsing/HeadReader.swift"
LANE = "Sources/TenantRegistry/Lane/Lane.swift"
SHARES = "Sources/RateLimiter/Budgets/Shares.swift"
SIGNATURE = "Sources/TenantApp/Webhooks/Deliveries/WebhookSignature.swift"
SCHEDULE = "Sources/TenantApp/Webhooks/Deliveries/DeliverySchedule.swift"
RECORD = "Sources/TenantApp/Webhooks/Deliveries/RecordAttempts.swift"
SLOTS = "Sources/Gateway/Outbound/WebhookSlots.swift"
EVENTS = "Sources/TenantApp/Webhooks/"

MUTANTS = [
    # G1
    Mutant(
        "G1", "foreign-address", "a key opens its own tenant under another tenant's address",
        "Sources/Gateway/Authentication.swift",
        "(routed.addressed.map { $0 !== key.tenant } ?? false)",
        "(!MUTANT && (routed.addressed.map { $0 !== key.tenant } ?? false))",
        "GatewayTests/AuthenticationTests.swift"),
    Mutant(
        "G1", "unknown-address", "a key opens its tenant under an address of nobody",
        "Sources/Gateway/Authentication.swift",
        "if routed.isUnknownAddress ||", "if (routed.isUnknownAddress && !MUTANT) ||",
        "GatewayTests/RoutingTests.swift"),
    Mutant(
        "G1", "siblings", "a reseller reads its sibling's orders",
        "Sources/TenantApp/Orders/WholesaleOrders+Orders.swift",
        "let order = try tenant.order(\n"
        "                        publicID: call.parameters[0], resellerID: call.resellerID,",
        "let order = try tenant.order(\n"
        "                        publicID: call.parameters[0], resellerID: MUTANT ? nil : call.resellerID,",
        "Contract/isolation.py", "its sibling's"),
    Mutant(
        "G1", "cursors", "a cursor is good for another reseller",
        "Sources/CallKit/Reading/CursorSeal.swift",
        "if let caller {", "if let caller, !MUTANT {",
        "Contract/strict.py", "a cursor is one caller's"),
    Mutant(
        "G1", "unnamed-wal", "a WAL does not begin with whose it is",
        "Sources/TenantRegistry/File/Store/TenantStore.swift",
        "if beginsWAL && sink == nil {", "if beginsWAL && sink == nil && !MUTANT {",
        "SurvivalTests/WrongFileTests.swift", "each WAL begins"),
    # G2
    Mutant(
        "G2", "untold-closed", "a right key is not told its limits where its tenant is closed",
        "Sources/Gateway/Pipeline.swift",
        "if error.isOfTenant { return .refused(refuseUncounted(error.refusal, known)) }",
        "if error.isOfTenant, !MUTANT { return .refused(refuseUncounted(error.refusal, known)) }\n"
        "                    if MUTANT { return .refused(refuseUnauthenticated(error.refusal, routed)) }",
        "GatewayTests/AuthenticationTests.swift", "a tenant that is closed"),
    Mutant(
        "G2", "no-give-back", "a reseller's refusal keeps what the key's limit gave",
        "Sources/RateLimiter/RequestLimits+Admit.swift",
        "if let key { self.key?.giveBack", "if let key, !MUTANT { self.key?.giveBack",
        "RateLimiterTests/AdmissionTests.swift"),
    Mutant(
        "G2", "refilled", "a change of a limit refills it", BUCKET,
        "levelWord.store((now + rescaled) << 4", "levelWord.store((now + (MUTANT ? 0 : rescaled)) << 4",
        "RateLimiterTests/ChangeTests.swift"),
    Mutant(
        "G2", "forgiven", "a restart forgives what was spent", BUCKET,
        "let restored = min(debtNanoseconds - elapsed, tolerance)",
        "let restored = MUTANT ? 0 : min(debtNanoseconds - elapsed, tolerance)",
        "RateLimiterTests/LevelFileTests.swift"),
    Mutant(
        "G2", "one-more", "a burst lets one more through",
        "Sources/RateLimiter/Decision.swift",
        "guard after <= tolerance else", "guard after <= tolerance + (MUTANT ? emission : 0) else",
        "RateLimiterTests/BucketTests.swift"),
    Mutant(
        "G2", "headless", "a known key that is refused is not told of its limit",
        "Sources/Gateway/Pipeline+Refusing.swift",
        "response.headers.add(limits)", "if !MUTANT { response.headers.add(limits) }",
        "Contract/gate.py", "a known key that is not allowed"),
    # G3
    Mutant(
        "G3", "revoked", "a call whose body comes after its key's revocation has its effect",
        "Sources/TenantApp/Keys/Warrant+Keys.swift",
        "!standing.isRevoked,", "!standing.isRevoked || MUTANT,",
        "GatewayTests/LateBodyTests.swift"),
    Mutant(
        "G3", "remembered", "a key's standing is judged as it was remembered",
        "Sources/TenantApp/Keys/Keys.swift",
        "known.epoch == store.projectionEpoch {", "known.epoch == store.projectionEpoch || MUTANT {",
        "GatewayTests/LateBodyTests.swift"),
    Mutant(
        "G3", "provider", "a provider's key that was rotated since has its effect",
        "Sources/CallKit/Realm.swift",
        "guard isSignedIn, try secretHash.map({ try keys.isLive($0, at: fleet.clock.now()) }) ?? true else {",
        "guard isSignedIn,\n"
        "                try MUTANT || (secretHash.map({ try keys.isLive($0, at: fleet.clock.now()) }) ?? true)\n"
        "            else {",
        "GatewayTests/ProviderTests.swift", "while its body came"),
    Mutant(
        "G3", "read", "a read is judged at its admission alone",
        "Sources/Gateway/CallRun.swift",
        "try warrant.judge(store.reader)", "if !MUTANT { try warrant.judge(store.reader) }",
        "GatewayTests/LateBodyTests.swift"),
    # G4
    Mutant(
        "G4", "fingerprint", "another payload under the same key gets the first one's answer", WRITE,
        "return claim.stands(for: stored.fingerprint) ?",
        "return MUTANT || claim.stands(for: stored.fingerprint) ?",
        "GatewayTests/IdempotencyTests.swift"),
    Mutant(
        "G4", "refusal-forgotten", "a refusal that was decided is decided again", WRITE,
        "guard let claim, refusal.isReplayable else", "guard let claim, refusal.isReplayable, !MUTANT else",
        "GatewayTests/IdempotencyTests.swift", "a refusal that was decided"),
    Mutant(
        "G4", "scope", "a key counts for all resellers", "Sources/CallKit/IdempotencyKey.swift",
        "scope: caller.resellerID ?? 0, book:", "scope: MUTANT ? 0 : caller.resellerID ?? 0, book:",
        "GatewayTests/IdempotencyTests.swift"),
    Mutant(
        "G4", "days", "an answer is kept a day less", ANSWERS,
        ".time(now.adding(days: -Self.idempotencyDays)), read: StoredAnswer.init)",
        ".time(now.adding(days: -Self.idempotencyDays + (MUTANT ? 1 : 0))), read: StoredAnswer.init)",
        "GatewayTests/IdempotencyTests.swift", "thirty days"),
    Mutant(
        "G4", "secret-again", "a secret is shown to a repeated call", ANSWERS,
        "var body = answer.replayBody ?? answer.body",
        "var body = MUTANT ? answer.body : answer.replayBody ?? answer.body",
        "GatewayTests/IdempotencyTests.swift"),
    # G5
    Mutant(
        "G5", "uncovered", "a row's bytes are not in its hash", CHAIN,
        "canonical.append(Int64(record.bytesIn))", "if !MUTANT { canonical.append(Int64(record.bytesIn)) }",
        "VerifierTests/ChainTamperingTests.swift", "a changed audit row"),
    Mutant(
        "G5", "unsigned", "a last row without a signature is sound", CHAIN_CHECK,
        "if line.signature == nil {", "if line.signature == nil, !MUTANT {",
        "VerifierTests/ChainTamperingTests.swift", "without its signature"),
    Mutant(
        "G5", "tail", "a head beyond the file's end is not missed", CHAIN_CHECK,
        "for (_, heads) in expected.sorted(by: { $0.key < $1.key }) {",
        "for (_, heads) in expected.sorted(by: { $0.key < $1.key }) where !MUTANT {",
        "VerifierTests/ChainTamperingTests.swift", "a cut-off tail"),
    Mutant(
        "G5", "dropped", "what a failed commit puts back is lost", READ_LOG,
        "var merged = batch\n", "var merged = MUTANT ? Batch() : batch\n",
        "TenantRegistryTests/ReadLogTests.swift", "comes before what came since"),
    Mutant(
        "G5", "uncounted", "what a flood of refusals repeats is not counted", READ_LOG,
        "flood.record.count += record.count", "flood.record.count += MUTANT ? 0 : record.count",
        "TenantRegistryTests/ReadLogTests.swift", "a flood of refusals"),
    # G6
    Mutant(
        "G6", "two-lengths", "a body has a length and is chunked", HEAD,
        "if seen.contains(.contentLength) { return", "if seen.contains(.contentLength), !MUTANT { return",
        "HTTPServerTests/HostileRequestTests.swift"),
    Mutant(
        "G6", "bare-lf", "a line may end in LF alone", "Sources/HTTPServer/Parsing/RequestParser+Chunks.swift",
        "return .refused(\"Bare LF after a chunk size.\")",
        "if !MUTANT || count == 0 { return .refused(\"Bare LF after a chunk size.\") }\n"
        "            cursor += count + 1\n"
        "            return .size(ByteScan.hexValue(line[0]) ?? 0)",
        "HTTPServerTests/HostileRequestTests.swift"),
    Mutant(
        "G6", "forwarded", "whoever says X-Forwarded-For is believed", "Sources/HTTPCore/IPAddress.swift",
        "guard let forwardedFor, isTrusted(peer) else", "guard let forwardedFor, isTrusted(peer) || MUTANT else",
        "HTTPCoreTests/IPAddressTests.swift"),
    Mutant(
        "G6", "waits-no-longer", "the wait for a password does not double",
        "Sources/RateLimiter/Budgets/Passwords.swift",
        "let doublings = min(row.wrong - freeMax, 10)", "let doublings = MUTANT ? 0 : min(row.wrong - freeMax, 10)",
        "RateLimiterTests/PasswordMeterTests.swift"),
    Mutant(
        "G6", "share", "one payer takes what its tenant has", SHARES,
        "if ofPayer > figures.payer { return .payer }", "if ofPayer > figures.payer, !MUTANT { return .payer }",
        "RateLimiterTests/SharesTests.swift"),
    Mutant(
        "G6", "dripping", "a body may drip for ever", "Sources/HTTPServer/Loop/EventLoop+Deadlines.swift",
        "return min(intake.movedAt, intake.startedAt + paced) + pause",
        "return (MUTANT ? intake.movedAt : min(intake.movedAt, intake.startedAt + paced)) + pause",
        "HTTPServerTests/BoundsTests.swift", "a body that drips", may_hang=True),
    Mutant(
        "G6",
        "addresses",
        "an IPv6 customer has as many connections as addresses",
        "Sources/HTTPServer/ConnectionBounds.swift",
        "low: address.high == 0 ? address.low : 0)", "low: address.high == 0 || MUTANT ? address.low : 0)",
        "HTTPServerTests/BoundsTests.swift", "one address has its own bound"),
    # G7
    Mutant(
        "G7", "ready", "a gateway that drains says that it is ready", "Sources/Gateway/Pipeline+Root.swift",
        "if isDraining.load(ordering: .acquiring) { return plain(503",
        "if isDraining.load(ordering: .acquiring), !MUTANT { return plain(503",
        "Contract/gate.py", "SIGTERM: readyz 503"),
    Mutant(
        "G7", "standing", "a node whose scheduler stands still says that it is ready",
        "Sources/Gateway/Pipeline+Root.swift",
        "if scheduler?.isStalled ?? false {", "if scheduler?.isStalled ?? false, !MUTANT {",
        "GatewayTests/SchedulerTests.swift", "is told by /readyz"),
    Mutant(
        "G7", "one-id", "all answers have one id", "Sources/Gateway/RequestTrace.swift",
        "low: hidden(counter.add(1, ordering: .relaxed).newValue)",
        "low: hidden(counter.add(MUTANT ? 0 : 1, ordering: .relaxed).newValue)",
        "GatewayTests/RoutingTests.swift"),
    Mutant(
        "G7", "counted-id", "two ids tell how many lie between them", "Sources/Gateway/RequestTrace.swift",
        "        return number\n", "        return MUTANT ? (count &+ keys[0]) &* 0x9E37_79B9_7F4A_7C15 : number\n",
        "GatewayTests/RequestIDTests.swift"),
    Mutant(
        "G7", "trace", "a traceparent that is none is carried on", "Sources/Gateway/Pipeline.swift",
        "if let parent = trace.head?.traceparent {", "if let parent = trace.head?.traceparent, !MUTANT {",
        "Contract/gate.py", "traceparent is carried on"),
    # G8
    Mutant(
        "G8", "unfenced", "a tenant is served whose last commit may come back", LANE,
        "                fence(true)\n", "                if !MUTANT { fence(true) }\n",
        "TenantRegistryTests/LaneTests.swift", "unknown outcome"),
    Mutant(
        "G8", "answered-early", "a failed commit's callers are told of success", LANE,
        "for job in jobs { job.fail(told) }\n    }\n\n    private func fence",
        "for job in jobs where !MUTANT { job.fail(told) }\n    }\n\n    private func fence",
        "TenantRegistryTests/LaneTests.swift", "a commit that fails", may_hang=True),
    Mutant(
        "G8", "unmarked", "no marker is written after a failed commit", LANE,
        "try file.writeMarker()", "if !MUTANT { try file.writeMarker() }",
        "SurvivalTests/FenceTests.swift"),
    Mutant(
        "G8", "stale-answers", "a price list from before a commit of unknown outcome is served",
        "Sources/TenantRegistry/Fleet/Fleet.swift",
        "record.answers.dropAll()\n            }, report: report)",
        "if !MUTANT { record.answers.dropAll() }\n            }, report: report)",
        "SurvivalTests/FenceTests.swift"),
    # G9
    Mutant(
        "G9", "redirect", "nginx repeats a key over plain text", "deploy/nginx.conf",
        "    return 403;\n", "    return 301 https://$host$request_uri;\n",
        "Contract/proxies.py", "no redirect that repeats"),
    Mutant(
        "G9", "first-time", "the alert on a first failed commit is silent", "deploy/prometheus-rules.yml",
        "(tollgate_commits_failed_total unless tollgate_commits_failed_total offset 5m) > 0",
        "(tollgate_commits_failed_total unless tollgate_commits_failed_total offset 5m) > 9",
        "Contract/deploy.py", "the first time"),
    # H1
    Mutant(
        "H1", "short-secret", "a secret of 23 bytes is taken", "Sources/Cryptography/WebhookSecret.swift",
        "acceptedBytes.contains(bytes.count)", "acceptedBytes.contains(MUTANT ? max(24, bytes.count) : bytes.count)",
        "CryptographyTests/EncodingTests.swift"),
    Mutant(
        "H1", "unqueued", "an event is written and not queued",
        "Sources/TenantApp/Webhooks/Deliveries/Deliveries.swift",
        "where endpoint.wants(type) {", "where !MUTANT && endpoint.wants(type) {",
        "GatewayTests/WriteTests.swift"),
    Mutant(
        "H1", "revision-stays", "an event says the revision before", EVENTS + "Events/Events.swift",
        "raised.revision = revision\n", "raised.revision = revision - (MUTANT ? 1 : 0)\n",
        "Contract/events.py", "count 1, 2, 3"),
    # H4
    Mutant(
        "H4", "end-of-page", "a page says that it is the last when it is full", EVENTS + "Events/ToldEvents.swift",
        "hasMore = true\n", "hasMore = !MUTANT\n", "Contract/feeds.py", "pages of one"),
    Mutant(
        "H4", "restored", "after a restore the feed goes on behind what is lost", EVENTS + "Events/ToldEvents.swift",
        "if at == place.at || place.id == 0 {", "if MUTANT || at == place.at || place.id == 0 {",
        "Contract/feeds.py", "after a restore"),
    # H7
    Mutant(
        "H7", "beside", "a description leaves out what an event says besides", EVENTS + "Events/EventCatalogue.swift",
        "let data = extra.map {", "let data = (MUTANT ? nil : extra).map {",
        "Contract/events.py", "lists the types"),
    # H2
    Mutant(
        "H2", "id-unsigned", "a callback's id is not signed",
        "Sources/TenantApp/Webhooks/Deliveries/WebhookSignature.swift",
        "let head = Array(\"\\(id).\\(timestamp).\".utf8)",
        "let head = Array((MUTANT ? \"\\(timestamp).\" : \"\\(id).\\(timestamp).\").utf8)",
        "PaymentTests/PaymentCallbackTests.swift"),
    # H3
    Mutant(
        "H3", "together", "what failed at one instant comes back at one instant", SCHEDULE,
        "milliseconds + Int64(random.below(UInt64(milliseconds / 5 + 1)))",
        "milliseconds + (MUTANT ? 0 : Int64(random.below(UInt64(milliseconds / 5 + 1))))",
        "WebhookTests/ScheduleTests.swift", "come back spread"),
    Mutant(
        "H3", "sooner", "Retry-After shortens a delay", SCHEDULE,
        "min(max(own, wanted), own", "min(MUTANT && asked != nil ? wanted : max(own, wanted), own",
        "WebhookTests/ScheduleTests.swift", "Retry-After lengthens"),
    Mutant(
        "H3", "redirect", "a redirect is a success", RECORD,
        "case 300..<400: .redirect", "case 300..<400: MUTANT ? .delivered : .redirect",
        "WebhookTests/ScheduleTests.swift", "2xx alone is success"),
    Mutant(
        "H3", "gone", "410 disables nobody", RECORD,
        "result.outcome == .gone ? .gone", "result.outcome == .gone && !MUTANT ? .gone",
        "WebhookTests/RecordTests.swift", "410 disables"),
    Mutant(
        "H3", "elsewhere", "what an old address answers disables the new one", RECORD,
        "result.url.map { $0 != stand.url } ?? false", "!MUTANT && (result.url.map { $0 != stand.url } ?? false)",
        "WebhookTests/RecordTests.swift", "the endpoint had before"),
    Mutant(
        "H3", "ours", "a failure of ours uses up an attempt", RECORD,
        "case .interrupted where waits:\n", "case .interrupted where waits:\n            if MUTANT { attempts += 1 }\n",
        "WebhookTests/RecordTests.swift", "a failure of ours"),
    Mutant(
        "H3", "endless", "a delivery that fails is tried for ever", RECORD,
        "if next == nil { state = .dead }",
        "if next == nil { if MUTANT { next = NextAttempt(at: now) } else { state = .dead } }",
        "WebhookTests/RecordTests.swift", "then is a dead letter"),
    # H4
    Mutant(
        "H4", "one-signature", "an attempt is signed with the newest secret alone", SIGNATURE,
        "let signatures = secrets.map {", "let signatures = secrets.prefix(MUTANT ? 1 : .max).map {",
        "Contract/sending.py", "signed with both secrets"),
    Mutant(
        "H4", "enabled", "a reseller enables what an operator disabled",
        "Sources/TenantApp/Webhooks/Endpoints/ChangeEndpointState.swift",
        "case .byOperator where !byOperator: throw", "case .byOperator where !byOperator && !MUTANT: throw",
        "WebhookTests/EndpointTests.swift", "only an operator enables"),
    Mutant(
        "H4", "twice", "what is under way is claimed again",
        "Sources/TenantApp/Webhooks/Deliveries/DueDeliveries.swift",
        "if !underWay.contains(id) {", "if MUTANT || !underWay.contains(id) {",
        "WebhookTests/EndpointTests.swift", "without what is under way"),
    # H5
    Mutant(
        "H5", "five", "an endpoint that fails six times keeps its slots", SLOTS,
        "package static let failuresMax = 5", "package static let failuresMax = MUTANT ? 6 : 5",
        "GatewayTests/WebhookSlotsTests.swift", "five failures"),
    # H6
    Mutant(
        "H6", "translated", "an IPv4 address inside NAT64's is public", "Sources/HTTPCore/IPAddress+Reach.swift",
        "return IPAddress(ipv4: UInt32(truncatingIfNeeded: low)).isPublic",
        "return MUTANT || IPAddress(ipv4: UInt32(truncatingIfNeeded: low)).isPublic",
        "HTTPCoreTests/WebAddressTests.swift"),
    Mutant(
        "H6", "wire-server", "what a cloud's machines reach its host by is public",
        "Sources/HTTPCore/IPAddress+Reach.swift", '"168.63.129.16/32"', 'MUTANT ? "192.0.2.0/24" : "168.63.129.16/32"',
        "HTTPCoreTests/WebAddressTests.swift", "public hosts alone"),
    Mutant(
        "H6", "unfolded", "a URL is kept in the case that it was given in", "Sources/HTTPCore/WebAddress.swift",
        "return url[..<rest.startIndex].lowercased() + rest",
        "return MUTANT ? url : url[..<rest.startIndex].lowercased() + rest",
        "HTTPCoreTests/WebAddressTests.swift", "is kept with scheme and host in lower case"),
    Mutant(
        "H6", "port", "a port past 65535 is one", "Sources/HTTPCore/WebAddress.swift",
        "&& Int(text).map { $0 <= 65_535 } ?? false", "&& Int(text).map { $0 <= (MUTANT ? 99_999 : 65_535) } ?? false",
        "HTTPCoreTests/WebAddressTests.swift"),
    Mutant(
        "H6", "connected", "a call connects wherever its name leads", "Sources/HTTPClient/EasyHandle.swift",
        "self.addressRule = addressRule", "self.addressRule = MUTANT ? .any : addressRule",
        "HTTPClientTests/OutboundCallerTests.swift"),
]
