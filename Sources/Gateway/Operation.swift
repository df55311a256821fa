import Cryptography
import HTTPCore
import SQLite
import TenantApp
import TenantRegistry

/// One admitted call on its way through handler, lane and answer.
///
/// Invariant: exactly one answer leaves, after the commit of what it says. Parts run on the loop, the background pool and
/// the lane's worker, one after the other.
struct Operation: Sendable {
    let pipeline: Pipeline
    let admitted: Admitted
    let body: [UInt8]
    let exchange: any Exchange
    /// What stands for the body where that came in pieces.
    var streamed: StreamedBody.Sum?

    /// Bodies beyond this are parsed off the loop.
    private static let loopBodyBytesMax = 64 << 10

    private var fleet: Fleet { pipeline.fleet }
    private var routed: Routed { admitted.routed }
    private var route: Route { admitted.routed.route }
    private var bytesIn: Int { streamed?.bytes ?? body.count }
    var files: BackgroundPool { fleet.files }

    func start() {
        if body.count > Self.loopBodyBytesMax {
            if !fleet.background.submit({ handle() }) { refuse(.busy) }
        } else {
            handle()
        }
    }

    private func handle() {
        do {
            try checkIdempotencyKey()
            perform(try route.handle(call()))
        } catch {
            refuse(refusal(of: error))
        }
    }

    /// Who reads the body that comes in pieces; nil where the call was refused, and answered.
    func beginStream() -> (any BodyReader)? {
        do {
            try checkIdempotencyKey()
            guard case .streamed(let reader) = try route.handle(call()) else { throw Refusal.defect }
            return reader
        } catch {
            refuse(refusal(of: error))
            return nil
        }
    }

    private func call() -> Call {
        Call(
            head: routed.head, peer: routed.peer, clientAddress: pipeline.clientAddress(routed),
            tenant: admitted.tenant, caller: admitted.caller, parameters: routed.parameters, body: body,
            requestID: routed.requestID, now: routed.now,
            baseURL: pipeline.baseURL(of: routed, tenant: admitted.tenant), services: pipeline.services)
    }

    /// CONTRACT G4: quoted or bare, at most 255 characters; demanded where money or stock moves.
    private func checkIdempotencyKey() throws(Refusal) {
        if case .ignored = route.idempotency { return }
        guard let header = routed.head.value(of: .idempotencyKey) else {
            if case .required = route.idempotency {
                throw .unparseable("This call needs an Idempotency-Key header.")
            }
            return
        }
        guard isIdempotencyKey(bareIdempotencyKey(header)) else {
            throw .unparseable("The Idempotency-Key must be 1 to 255 printable characters without spaces or quotes.")
        }
    }

    private func perform(_ work: Work) {
        switch work {
        case .answer(let answer): answerUnwritten(answer)
        case .read(let read): submitRead(read)
        case .write(let write): submitWrite(write)
        case .writeThen(let write): submitWriteThen(write)
        case .reserving(let hashes, let write): reserve(hashes[...], then: write)
        case .background(let next):
            let submitted = fleet.background.submit {
                do { perform(try next()) } catch { refuse(refusal(of: error)) }
            }
            if !submitted { refuse(.busy) }
        case .later(let flow): flow { conclude($0) }
        // A reader is asked for before its body is read, in `beginStream`.
        case .streamed: refuse(.defect)
        }
    }

    func conclude(_ result: Result<LateAnswer, any Error>) {
        switch result {
        case .success(.proceed(let work)): perform(work)
        case .success(.whole(let answer)): answerUnwritten(answer)
        case .success(.stream(let status, let headers, let stream, let length)):
            recordThen(status, bytesOut: length ?? 0) {
                respond(Response(status: status, headers: headers, body: .stream(stream, length: length)))
            }
        case .failure(let error): refuse(refusal(of: error))
        }
    }

    // MARK: The lane

    private func submitRead(_ read: @escaping @Sendable (TenantReader) throws -> Answer) {
        let key = pipeline.cacheKey(admitted)
        admitted.tenant.lane.submit(
            LaneJob(
                writes: false,
                perform: { store in
                    do {
                        try judgeAgain(store.reader)
                        let answer = try read(store.reader)
                        if let key {
                            // Among the batch's effects, in the order of its jobs: a write behind this read drops it again.
                            let answers = admitted.tenant.answers
                            store.afterCommit { answers.fill(key, with: answer.body) }
                        }
                        return { _ in answerUnwritten(answer) }
                    } catch let error where error.isDecision {
                        let refusal = refusal(of: error)
                        return { _ in refuse(refusal) }
                    }
                },
                fail: { refuse(Refusal($0)) }))
    }

    private func reserve(
        _ hashes: ArraySlice<Digest>, then write: @escaping @Sendable (TenantTransaction, inout Trail) throws -> Answer
    ) {
        guard let hash = hashes.first else { return submitWrite(write) }
        fleet.registry.reserve(hash, for: admitted.tenant.id) { result in
            switch result {
            case .success: reserve(hashes.dropFirst(), then: write)
            case .failure(let error): refuse(refusal(of: error))
            }
        }
    }

    private func submitWrite(_ write: @escaping @Sendable (TenantTransaction, inout Trail) throws -> Answer) {
        if fleet.refusesWrites { return refuse(Refusal(.storageFull)) }
        // Hashed here, off the lane.
        let key = idempotencyKey
        admitted.tenant.lane.submit(
            LaneJob(
                writes: true, perform: { store in try commit(write, key, in: store) }, fail: { refuse(Refusal($0)) }))
    }

    /// A write in the middle: what it commits is there before `perform` goes on with the rest.
    private func submitWriteThen(_ write: @escaping @Sendable (TenantTransaction, inout Trail) throws -> Work) {
        if fleet.refusesWrites { return refuse(Refusal(.storageFull)) }
        let key = idempotencyKey
        admitted.tenant.lane.submit(
            LaneJob(
                writes: true,
                perform: { store in
                    let tenant = store.transaction
                    var trail = Trail()
                    do {
                        try judgeAgain(tenant)
                        if let key,
                            let stored = try tenant.storedAnswer(scope: key.scope, book: key.book, key: key.text)
                        {
                            return replay(stored, key)
                        }
                        let next = try write(tenant, &trail)
                        var record = pipeline.auditRecord(
                            admitted.authenticated, 202, bytesIn: body.count, bytesOut: 0)
                        // The call is counted where it ends.
                        record.count = 0
                        record.resellerID = trail.resellerID ?? record.resellerID
                        record.detail = trail.json
                        store.note(record)
                        return { _ in perform(next) }
                    } catch let error where error.isDecision {
                        let refusal = refusal(of: error)
                        try tenant.undoEffect()
                        return { _ in refuse(refusal) }
                    }
                }, fail: { refuse(Refusal($0)) }))
    }

    /// Inside the batch's transaction, all or nothing: the effect, its stored answer and its audit row.
    private func commit(
        _ write: (TenantTransaction, inout Trail) throws -> Answer, _ key: Key?, in store: TenantStore
    ) throws -> LaneJob<TenantStore>.Completion {
        let tenant = store.transaction
        var trail = Trail()
        var outcome: Answer
        var refused: Refusal?
        do {
            try judgeAgain(tenant)
            if route.isSigned { try SignedCall(head: routed.head, body: body).verify(tenant, admitted.caller) }
            if let key, let stored = try tenant.storedAnswer(scope: key.scope, book: key.book, key: key.text) {
                return replay(stored, key)
            }
            outcome = try write(tenant, &trail)
        } catch let error where error.isDecision {
            let refusal = refusal(of: error)
            try tenant.undoEffect()
            guard let key, refusal.isReplayable else { return { _ in refuse(refusal) } }
            trail = Trail()
            refused = refusal
            outcome = Answer(refusal, routed)
            try tenant.storeAnswer(
                outcome, fingerprint: key.fingerprint, scope: key.scope, book: key.book, key: key.text)
        }
        if refused == nil, let key {
            try tenant.storeAnswer(
                outcome, fingerprint: key.fingerprint, scope: key.scope, book: key.book, key: key.text)
        }
        var record = pipeline.auditRecord(
            admitted.authenticated, outcome.status, bytesIn: bytesIn, bytesOut: outcome.body.count)
        record.resellerID = trail.resellerID ?? record.resellerID
        record.detail = trail.json
        store.note(record)
        if trail.isOrder { store.countOrder(record) }
        return publish(store, answer: outcome, refused)
    }

    /// What comes with the commit: memory follows before anybody is answered, the registry before this caller is.
    private func publish(
        _ store: TenantStore, answer: Answer, _ refused: Refusal?
    ) -> LaneJob<TenantStore>.Completion {
        let changes = store.transaction.pendingProjections
        fleet.follow(changes, of: admitted.tenant, in: store)
        return { store in
            let proof = store.proof
            fleet.project(changes, of: admitted.tenant) {
                if let refused { pipeline.metrics.countRefusal(refused) }
                respond(answer, proof: proof)
            }
        }
    }

    /// The key's and its reseller's state as the file has them now: a revocation that came since admission holds.
    private func judgeAgain(_ tenant: TenantReader) throws {
        guard let caller = admitted.caller else { return }
        guard let standing = try tenant.standing(ofSecret: caller.secretHash), !standing.isRevoked,
            !(standing.expiresAt.map { tenant.now >= $0 } ?? false)
        else { throw Refusal.unknownCredential }
        try Gate.judge(
            caller.projection, resellerState: standing.resellerState, apiAccess: standing.apiAccess, for: route)
    }

    // MARK: Idempotency

    private struct Key {
        let text: String
        let scope: Int64
        let book: Book
        let fingerprint: Digest
    }

    /// Nil where the route takes none or the call carries none.
    private var idempotencyKey: Key? {
        if case .ignored = route.idempotency { return nil }
        guard let header = routed.head.value(of: .idempotencyKey), let caller = admitted.caller else { return nil }
        var canonical = CanonicalBytes("tollgate-call-v1")
        canonical.append(routed.head.method.rawValue)
        let fingerprinted = routed.dialect.fingerprinted(routed.head, body)
        canonical.append(fingerprinted.target)
        canonical.append(streamed?.digest.bytes ?? fingerprinted.body)
        return Key(
            text: bareIdempotencyKey(header), scope: caller.resellerID ?? 0, book: caller.book,
            fingerprint: SHA256.hash(canonical.bytes))
    }

    private func replay(_ stored: StoredAnswer, _ key: Key) -> LaneJob<TenantStore>.Completion {
        guard stored.fingerprint == key.fingerprint else {
            return { _ in refuse(.idempotencyKeyReused) }
        }
        return { _ in
            recordThen(stored.status, bytesOut: stored.body.count) {
                var response = Response(status: stored.status, body: .bytes(stored.body))
                response.headers.add("Content-Type", stored.contentType)
                response.headers.add("Idempotency-Hit", "true")
                respond(response)
            }
        }
    }

    // MARK: Answers

    /// An answer of a call that wrote nothing: its audit record joins the read log first.
    private func answerUnwritten(_ answer: Answer) {
        recordThen(answer.status, bytesOut: answer.body.count) { respond(answer, proof: nil) }
    }

    private func refuse(_ refusal: Refusal) {
        pipeline.metrics.countRefusal(refusal)
        if admitted.caller == nil, refusal.isMissedGuess {
            // A wrong password or signature, and a link that leads nowhere, count as a wrong key does.
            pipeline.countFailure(from: pipeline.clientAddress(routed))
        }
        let response = render(refusal)
        recordThen(response.status, bytesOut: 0) { respond(response) }
    }

    private func render(_ refusal: Refusal) -> Response {
        routed.dialect.render(refusal, requestID: routed.requestID, for: routed.head)
    }

    /// Records are never dropped: without room the call waits for the lane to write a block, or is answered 503.
    private func recordThen(_ status: Int, bytesOut: Int, _ answer: @escaping @Sendable () -> Void) {
        if pipeline.record(admitted.authenticated, status, bytesIn: bytesIn, bytesOut: bytesOut) { return answer() }
        admitted.tenant.lane.submit(
            LaneJob(
                writes: true,
                perform: { store in
                    store.flushReads()
                    return { _ in
                        pipeline.record(admitted.authenticated, status, bytesIn: bytesIn, bytesOut: bytesOut)
                        answer()
                    }
                },
                fail: { failure in respond(render(Refusal(failure))) }))
    }

    private func respond(_ answer: Answer, proof: CommitProof?) {
        var response = Response(status: answer.status, headers: answer.headers)
        if !answer.body.isEmpty {
            response.headers.add("Content-Type", answer.contentType)
            response.body = .bytes(answer.body)
        }
        if let proof {
            response.headers.add("Audit-Head", proof.head.text)
            response.headers.add("Audit-Signature", Base64.encode(proof.signature))
        }
        respond(response)
    }

    private func respond(_ response: Response) {
        var response = response
        pipeline.finish(&response, admitted)
        exchange.respond(response)
    }

    private func refusal(of error: any Error) -> Refusal {
        switch error {
        case let refusal as Refusal: return refusal
        case let failure as LaneFailure: return Refusal(failure)
        case is MoneyError:
            return .unprocessable(code: "amount_too_large", detail: "The amount is larger than any balance can be.")
        case RegistryRefusal.secretTaken: return .conflict(code: "secret_taken", detail: "Try again.")
        default:
            fleet.report("\(routed.requestID.text) \(routed.route.pattern): \(error)")
            return .defect
        }
    }
}

extension Error {
    /// A refusal of the caller's, not a failure of ours: decided, to be answered and perhaps stored.
    fileprivate var isDecision: Bool { self is Refusal || self is MoneyError }
}

extension Answer {
    /// A refusal as an answer that can be stored.
    fileprivate init(_ refusal: Refusal, _ routed: Routed) {
        let response = routed.dialect.render(refusal, requestID: routed.requestID, for: routed.head)
        var bytes: [UInt8] = []
        if case .bytes(let body) = response.body { bytes = body }
        self.init(status: response.status, contentType: routed.dialect.errorContentType, body: bytes)
    }
}

extension Refusal {
    static let busy = Refusal.unavailable(
        code: "busy", detail: "Too much is waiting; nothing was done.", retryAfterSeconds: 1)

    /// What a lane could not do, as the caller is told.
    init(_ failure: LaneFailure) {
        switch failure {
        case .tooManyWaiting: self = .busy
        case .unavailable:
            self = .unavailable(
                code: "tenant_unavailable", detail: "This tenant's data cannot be served now; nothing was done.",
                retryAfterSeconds: 5)
        case .quotaReached: self = .quotaExceeded("bytes")
        case .storageFull:
            self = .unavailable(
                code: "storage_full", detail: "There is no room to write; nothing was done.", retryAfterSeconds: 30)
        case .notCommitted:
            self = .unavailable(
                code: "not_committed", detail: "The write failed; nothing was done.", retryAfterSeconds: 1)
        case .outcomeUnknown:
            self = .unavailable(
                code: "outcome_unknown",
                detail: "Whether this was done is being settled; ask again with the same Idempotency-Key.",
                retryAfterSeconds: 5)
        case .failed, .corrupt: self = .defect
        case .closed:
            self = .unavailable(
                code: "closing", detail: "The gateway is stopping; nothing was done.", retryAfterSeconds: 2)
        }
    }
}
