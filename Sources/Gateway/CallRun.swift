import CallKit
import Cryptography
import HTTPCore
import PageKit
import RateLimiter
import SQLite
import TenantApp
import TenantRegistry

/// One admitted call on its way through handler, lane and answer.
///
/// Invariant: exactly one answer leaves, after the commit of what it says. Parts run on the loop, the background pool
/// and the lane's worker, one after the other.
struct CallRun: Sendable {
    let pipeline: Pipeline
    let admitted: Admitted
    let body: [UInt8]
    let responder: any Responder
    /// What stands for the body where that came in pieces.
    var streamed: StreamedBody.Sum?
    /// Of a body that comes in pieces: the server may refuse the rest of it meanwhile, or its client leave.
    var incoming: IncomingCall?
    /// Who made the call, where that was another one: it is told in place of the client.
    var outer: (@Sendable (InnerAnswer) -> Void)?
    /// Whether the call's audit record stands under another one's name: that of the call which it made.
    var isRecorded = false
    /// Whether what is done now shows a refusal.
    var isShowing = false
    /// How often the call was begun again, since its tenant was on its way to another node.
    var turns = 0
    /// The call that this one is a part of.
    var outermost: OutermostCall?
    /// Whether a part of the call has been done.
    var mayHaveActed = false

    /// Bodies beyond this are parsed off the loop.
    private static let loopBodyBytesMax = 64 << 10

    private var fleet: Fleet { pipeline.fleet }
    var routed: Routed { admitted.routed }
    private var route: Route { admitted.routed.route }
    /// Whether the route takes an Idempotency-Key and the call carries one.
    var hasIdempotencyKey: Bool {
        if case .ignored = route.idempotency { return false }
        return IdempotencyKey.of(routed.head) != nil
    }
    private var bytesIn: Int { streamed?.bytes ?? body.count }
    /// Whose budgets the call's long work and its body are taken from.
    var payer: Payer { admitted.payer }
    var files: BackgroundPool { fleet.files }

    func start() {
        if body.count > Self.loopBodyBytesMax {
            if !fleet.background.submit(of: payer, { handle() }) { refuse(.busy) }
        } else {
            handle()
        }
    }

    private func handle() {
        do throws(Refusal) { try checkHead() } catch { return refuse(error) }
        do {
            perform(try route.handle(try call()))
        } catch {
            let decided = refusal(of: error)
            guard let signature else { return refuse(decided) }
            // Who has not signed a call is told so, also where its body or query is wrong (W5).
            perform(
                .read { tenant in
                    try signature.verify(tenant)
                    throw decided
                })
        }
    }

    /// Who reads the body that comes in pieces; nil where the call was refused, and answered.
    func beginStream() -> (any BodyReader)? {
        do {
            try checkHead()
            guard case .streamed(let reader) = try route.handle(try call()) else {
                throw Refusal.defect
            }
            return reader
        } catch {
            refuse(refusal(of: error))
            return nil
        }
    }

    /// What the head alone says about the call.
    private func checkHead() throws(Refusal) {
        if let caller = admitted.caller { try route.judge(modeIn: routed.head, of: caller.book) }
        try checkIdempotencyKey()
    }

    /// What the handler is given, once it is sure that it reads all that was sent.
    private func call() throws(Refusal) -> Call {
        if let gate = routed.surface.formGate, route.moves != .nothing {
            try gate.judge(routed.head, body: body, isSecure: pipeline.isSecure(routed.head, routed.peer))
        }
        let query = try routed.endpoint.query(of: routed.head)
        if routed.endpoint.takesNoBody { try route.expectNothing(in: body) }
        // What a page that was passed on asks is asked here for the first time.
        let isPassedOn = routed.hop != nil && outermost == nil
        return pipeline.call(admitted, query: query, body: body, isPassedOn: isPassedOn)
    }

    /// G4: quoted or bare, at most 255 characters; demanded where money or stock moves.
    private func checkIdempotencyKey() throws(Refusal) {
        if case .ignored = route.idempotency { return }
        guard let header = routed.head.value(of: .idempotencyKey) else {
            if case .required = route.idempotency {
                throw .unparseable("This call needs an Idempotency-Key header.")
            }
            return
        }
        if IdempotencyKey(header) == nil {
            throw .unparseable(
                "The Idempotency-Key must be 1 to 255 printable ASCII characters without spaces or quotes.")
        }
    }

    /// `given`: the terms of the flow that ended in this work, whose claim has been hashed.
    func perform(_ work: Work, on given: TenantWrite? = nil) {
        switch work {
        case .answer(let answer): answerUnwritten(answer)
        case .read(let read): inTenant { submitRead(read, of: $0) }
        // A route that says that it changes nothing does not: neither GET nor HEAD finds a way to act.
        case .write where route.moves == .nothing, .protect where route.moves == .nothing: refuse(.defect)
        case .write(let effect): write(effect, on: given)
        case .protect(let reserve, let effect): write(effect, on: given, reserve)
        case .flow(let flow):
            let agreed = given ?? admitted.tenant.map { terms(of: $0) }
            let steps = agreed.map { Steps($0, paidBy: payer) } ?? Steps(ofNode: fleet)
            let begun = fleet.flows.begin(of: payer) {
                do {
                    perform(try await flow(steps), on: agreed)
                } catch {
                    var run = self
                    run.mayHaveActed = mayHaveActed || steps.hasWritten
                    run.fail(error)
                }
            }
            if !begun { refuse(.busy) }
        case .stream(let status, let headers, let stream, let length):
            whenLogHasRoom {
                let body = recorded(stream, length, status)
                respond(Response(status: status, headers: headers, body: .stream(body, length: length)))
            }
        // A body that was sent to a page is whole; of a client's own, a reader is asked for before it is read, in
        // `beginStream`.
        case .streamed(let reader) where outer != nil:
            reader.take(body)
            perform(reader.finish())
        case .streamed: refuse(.defect)
        case .inner(let inner): make(inner)
        }
    }

    private func write(
        _ effect: @escaping TenantWrite.Effect<Answer>, on given: TenantWrite?, _ reserve: PageReserve? = nil
    ) {
        inTenant { tenant in
            var write = given ?? terms(of: tenant)
            write.signature = signature
            if let reserve { write.reserve = reserve }
            write.submit(effect) { conclude($0) }
        }
    }

    /// Makes another call for the same caller, and goes on with what that one's answer leads to.
    private func make(_ inner: InnerCall) {
        do {
            let routed = try pipeline.router.route(inner, within: routed)
            let admitted = try pipeline.admit(routed, within: admitted)
            var rest = self
            rest.isRecorded = true
            rest.mayHaveActed = mayHaveActed || routed.route.moves != .nothing
            var run = CallRun(pipeline: pipeline, admitted: admitted, body: inner.body, responder: responder)
            (run.outermost, run.mayHaveActed) = (outermost ?? OutermostCall(self), mayHaveActed)
            run.outer = { [rest] answer in
                do { rest.perform(try inner.then(answer)) } catch { rest.refuse(rest.refusal(of: error)) }
            }
            run.start()
        } catch {
            refuse(refusal(of: error))
        }
    }

    /// A work that ended without an answer of its own.
    func fail(_ error: any Error) {
        if let replayed = error as? Replayed { return replay(replayed.stored) }
        if case LaneFailure.moved = error, follow() { return }
        refuse(refusal(of: error))
    }

    // MARK: The lane

    /// The provider's calls are no tenant's: one that wants a lane of its own is a defect.
    private func inTenant(_ run: (TenantRecord) -> Void) {
        guard let tenant = admitted.tenant else { return refuse(.defect) }
        run(tenant)
    }

    private func submitRead(_ read: @escaping @Sendable (TenantReader) throws -> Answer, of tenant: TenantRecord) {
        let key = pipeline.cacheKey(admitted)
        let warrant = warrant(in: tenant)
        tenant.lane.submit(
            LaneJob(
                writes: false,
                perform: { store in
                    do {
                        try warrant.judge(store.reader)
                        let answer = try read(store.reader)
                        if let key {
                            // Among the batch's effects, in the order of its jobs: a write behind this read drops it
                            // again.
                            let answers = tenant.answers
                            store.afterCommit { answers.fill(key, with: answer.body) }
                        }
                        return { _ in answerUnwritten(answer) }
                    } catch {
                        guard let refusal = Refusal(deciding: error) else { throw error }
                        // The file is open: whoever comes by a browser sees whose page it is.
                        if routed.head.asksForPage, tenant.knownTheme(at: "") == nil {
                            _ = try store.reader.theme(at: "")
                        }
                        return { _ in refuse(refusal) }
                    }
                },
                fail: { fail($0) }))
    }

    /// What the call was admitted on, to be judged again where it has its effect.
    private func warrant(in tenant: TenantRecord) -> Warrant { .of(admitted.caller, of: tenant, for: route) }

    private func terms(of tenant: TenantRecord) -> TenantWrite {
        var write = TenantWrite(tenant, of: fleet, warrant: warrant(in: tenant)) { status, bytesOut in
            pipeline.auditRecord(admitted.authenticated, status, bytesIn: bytesIn, bytesOut: bytesOut)
        }
        write.claim = claim
        let reseller = admitted.caller?.resellerID
        // What protects and ends has some room where a tenant has none, and where a reseller's share is used up.
        let needsNoRoom = route.needsNoRoom
        if needsNoRoom {
            write.reserve = admitted.caller.map { _ in reseller == nil ? .operators : .resellers } ?? .strangers
        }
        if let reseller, !route.endsForGood {
            write.judgeRoom = { try $0.judgeRoom(resellerID: reseller, isProtecting: needsNoRoom) }
        }
        write.render = { Answer(render($0), contentType: routed.surface.errorContentType) }
        return write
    }

    /// A page's form is no call of a shop: its token and the session stand for whose it is (U4).
    private var signature: SignedCall? {
        guard outer == nil else { return nil }
        return route.signedBy.map { secrets in
            SignedCall(
                head: routed.head, body: body, resellerID: admitted.caller?.projection.resellerID ?? 0,
                book: admitted.caller?.book ?? .live, secrets: secrets)
        }
    }

    /// Nil where the route takes no Idempotency-Key or the call carries none.
    private var claim: IdempotencyClaim? {
        if case .ignored = route.idempotency { return nil }
        guard let key = IdempotencyKey.of(routed.head), let caller = admitted.caller, let dialect = routed.dialect
        else { return nil }
        let (head, body, sum) = (routed.head, body, streamed?.digest?.bytes)
        @Sendable func fingerprint(below addressBytes: Int) -> Digest {
            var said = dialect.fingerprinted(head, below: addressBytes, body)
            if let sum { said.body = sum }
            return IdempotencyClaim.fingerprint(head.method, said)
        }
        let addressBytes = routed.addressPrefix.utf8.count
        var claim = IdempotencyClaim(key, by: caller, fingerprint: fingerprint(below: addressBytes))
        if addressBytes > 0 { claim.fingerprintWithAddress = { fingerprint(below: 0) } }
        return claim
    }

    private func conclude(_ outcome: TenantWrite.Outcome) {
        switch outcome {
        case .answered(let answer, let proof): respond(answer, proof: proof)
        case .refusedFirmly(let refusal, let answer, let proof):
            pipeline.metrics.countRefusal(refusal)
            if let outer { outer(.refused(refusal)) } else { respond(answer, proof: proof) }
        case .replayed(let stored): replay(stored)
        case .refused(let refusal): refuse(refusal)
        case .failed(let failure): fail(failure)
        }
    }

    /// The answer that the same call had, once it holds at every node: it may be why the call is made again (N5).
    private func replay(_ stored: StoredAnswer) {
        guard let tenant = admitted.tenant else { return giveAgain(stored) }
        fleet.whenProjected(tenant) { isKnown in
            if isKnown { giveAgain(stored) } else { refuse(.unavailable(.outcomeUnknown)) }
        }
    }

    private func giveAgain(_ stored: StoredAnswer) {
        recordThen(stored.status, bytesOut: stored.body.count) {
            if let outer { return outer(.replayed(stored)) }
            var response = Response(status: stored.status, body: .bytes(stored.body))
            response.headers.add("Content-Type", stored.contentType)
            response.headers.add("Idempotency-Hit", "true")
            respond(response)
        }
    }

    // MARK: Answers

    /// An answer of a call that wrote nothing: its audit record joins the read log first.
    private func answerUnwritten(_ answer: Answer) {
        if route.isTagged, answer.status == 200, answer.refusal == nil { return answerTagged(answer) }
        recordThen(answer.status, bytesOut: answer.body.count) { respond(answer, proof: nil) }
    }

    private func answerTagged(_ answer: Answer) {
        let tag = EntityTag(of: answer.body)
        var answer = answer
        answer.headers.add("ETag", tag.text)
        if routed.head.has(tag) {
            answer.status = 304
            answer.body = []
        }
        recordThen(answer.status, bytesOut: answer.body.count) { [answer] in respond(answer, proof: nil) }
    }

    private func refuse(_ refusal: Refusal) {
        // What is refused while a refusal is shown has been counted.
        let overrun = isShowing ? nil : missed(refusal)
        if !isShowing { pipeline.metrics.countRefusal(refusal) }
        if overrun == nil, outer == nil, !isShowing,
            let work = route.showing?(pipeline.call(admitted, body: body), refusal)
        {
            var shown = self
            shown.isShowing = true
            return shown.perform(work)
        }
        let response = overrun ?? render(refusal)
        recordThen(response.status, bytesOut: response.bodyBytes) {
            if let outer { outer(.refused(refusal)) } else { finish(response) }
        }
    }

    /// Counts what a stranger got wrong, and gives the answer of an address that has got too much wrong. A call by a
    /// link is the tenant's once that has opened something; refused before, whatever for, it is a guess of the address.
    private func missed(_ refusal: Refusal) -> Response? {
        guard admitted.authenticated.isStrangers else { return nil }
        if refusal == .wrongPassword { pipeline.metrics.failedCredentials.add(1, ordering: .relaxed) }
        if admitted.isCapability, refusal.isOfWhatOpened {
            pipeline.paid(admitted)
            return nil
        }
        guard refusal.isMissedGuess || admitted.isCapability && !refusal.isForLackOfRoom else { return nil }
        guard let overrun = pipeline.missed(admitted) else { return nil }
        var response = render(overrun.refusal)
        response.headers.add(overrun.headers)
        return response
    }

    private func render(_ refusal: Refusal) -> Response {
        routed.surface.render(
            refusal, requestID: routed.requestID, for: routed.head, at: pipeline.serving(routed.addressed))
    }

    private func recordThen(_ status: Int, bytesOut: Int, _ answer: @escaping @Sendable () -> Void) {
        if isRecorded { return answer() }
        // The rest of the body was refused, or never came: the line is written, and nobody waits for an answer.
        if let incoming, !incoming.tell() { return }
        if pipeline.record(admitted.authenticated, status, bytesIn: bytesIn, bytesOut: bytesOut) { return answer() }
        whenLogHasRoom {
            pipeline.record(admitted.authenticated, status, bytesIn: bytesIn, bytesOut: bytesOut)
            answer()
        }
    }

    /// Records are never dropped: without room the call waits for the lane to write a block, or is answered 503.
    private func whenLogHasRoom(_ proceed: @escaping @Sendable () -> Void) {
        guard let tenant = admitted.tenant, !tenant.readLog.hasRoom else { return proceed() }
        tenant.lane.submit(
            LaneJob(
                writes: true,
                perform: { store in
                    store.flushReads()
                    return { _ in proceed() }
                },
                fail: { failure in
                    if case .moved = failure, follow() { return }
                    if let outer { outer(.refused(Refusal(failure))) } else { finish(render(Refusal(failure))) }
                }))
    }

    /// The same stream, recorded when it ends.
    private func recorded(_ stream: any ResponseStream, _ length: Int?, _ status: Int) -> RecordedStream {
        RecordedStream(stream, length: length, isHead: routed.head.method == .head) { bytes, end in
            let said =
                switch end {
                case .whole: status
                case .clientLeft: RecordedStream.clientLeftStatus
                case .failed: Refusal.defect.status
                }
            pipeline.record(admitted.authenticated, said, bytesIn: bytesIn, bytesOut: bytes, isOwed: true)
        }
    }

    private func respond(_ answer: Answer, proof: CommitProof?) {
        if let outer { return outer(.done(answer)) }
        var response = Response(status: answer.status, headers: answer.headers)
        if !answer.body.isEmpty {
            response.headers.add("Content-Type", answer.contentType)
            response.body = .bytes(answer.body)
        }
        if let proof {
            response.headers.add("Audit-Head", proof.headText)
            response.headers.add("Audit-Signature", proof.signatureText)
        }
        respond(response)
    }

    private func respond(_ response: Response) {
        if admitted.isCapability, !isShowing { pipeline.paid(admitted) }
        finish(response)
    }

    private func finish(_ response: Response) {
        var response = response
        pipeline.finish(&response, admitted)
        responder.respond(response)
    }

    /// Whether it is a call of the provider's whose path names a tenant that is not there any more.
    private var namesErasedTenant: Bool {
        guard admitted.tenant == nil, route.pattern.contains("{slug}"), let slug = routed.parameters.first else {
            return false
        }
        // A lane ends with its tenant alone: whoever has the slug by now is another one, of whom nobody asked for that.
        if !pipeline.isDraining.load(ordering: .acquiring) { return true }
        return fleet.roster.tenant(slug: slug).map { $0.profile.state == .deleting } ?? true
    }

    /// What the caller is told of an error: a decision, or a failure of ours.
    private func refusal(of error: any Error) -> Refusal {
        if let refusal = Refusal(deciding: error) { return refusal }
        switch error {
        case LaneFailure.closed:
            // The tenant was erased meanwhile: it is as unknown as to a call that comes now.
            do throws(Refusal) { try admitted.tenant?.judge(at: fleet.clock.now()) } catch { return error }
            return namesErasedTenant ? .notFound(.tenant) : Refusal(LaneFailure.closed)
        case let failure as LaneFailure: return Refusal(failure)
        case let refusal as RegistryRefusal: return Refusal(refusal)
        case SharedLogError.away: return Refusal(LaneFailure.logUnavailable)
        case SharedLogError.notOwner: return Refusal(LaneFailure.moved)
        case let failure as SQLiteError where failure.isFull || failure.isIOError:
            // A file that is no lane's, say a copy: lanes tell their own failures.
            report(error)
            return Refusal(failure.isFull ? LaneFailure.storageFull : .notCommitted)
        case is DataDirectory.Failure:
            report(error)
            return Refusal(LaneFailure.notCommitted)
        default:
            report(error)
            return .defect
        }
    }

    private func report(_ error: any Error) {
        fleet.report("\(routed.requestID.text) \(routed.route.pattern): \(error)")
    }
}

extension Answer {
    /// An answer that can be stored, of a response whose body is whole.
    fileprivate init(_ response: Response, contentType: StaticString) {
        var bytes: [UInt8] = []
        if case .bytes(let body) = response.body { bytes = body }
        self.init(status: response.status, contentType: contentType, body: bytes)
    }
}
