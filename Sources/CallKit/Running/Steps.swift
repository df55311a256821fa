package import Cryptography
import HTTPCore
package import RateLimiter
import Synchronization
package import TenantRegistry

/// The steps of a work that takes several (`Work.flow`): each is awaited, so that the work reads from top to bottom.
///
/// Steps that touch the file run on the tenant's lane and are judged there as the call's own write is (`Warrant`).
/// Between steps the work runs on the node's pool for flows; what is long goes to `background`.
///
/// A call of the provider has no tenant's file: there such a step is a defect, and fails as one.
package struct Steps: Sendable {
    private let fleet: Fleet
    /// Nil for the provider's calls.
    private let tenantTerms: TenantWrite?
    /// Whose budgets its long steps are taken from.
    private let payer: Payer
    private let progress = Progress()

    /// Whether a step has left something in the file.
    package var hasWritten: Bool { progress.hasWritten.load(ordering: .acquiring) }

    private final class Progress: Sendable {
        let hasWritten = Atomic<Bool>(false)
        let hasFlushed = Atomic<Bool>(false)
    }

    /// `terms`: on what terms the call writes.
    package init(_ terms: TenantWrite, paidBy payer: Payer) {
        fleet = terms.fleet
        tenantTerms = terms
        self.payer = payer
    }

    /// The steps of one of the provider's calls.
    package init(ofNode fleet: Fleet) {
        self.fleet = fleet
        tenantTerms = nil
        payer = .node
    }

    private var terms: TenantWrite {
        get throws {
            guard let tenantTerms else { throw Refusal.defect }
            return tenantTerms
        }
    }

    private var tenant: TenantRecord { get throws { try terms.tenant } }

    /// Writes what memory holds of the audit log, so that the reads that follow see the calls that were answered
    /// before this one came. Once a call: a page that asks several lists writes once. Nothing where the disk or the
    /// tenant's quota has no room.
    package func flushReads() async throws {
        if fleet.refusesWrites || progress.hasFlushed.load(ordering: .acquiring) { return }
        try await callback { done in
            try tenant.lane.submit(
                LaneJob(
                    writes: true,
                    perform: { store in
                        store.flushReads()
                        return { _ in done(.success(())) }
                    },
                    fail: { failure in
                        if case .quotaReached = failure { done(.success(())) } else { done(.failure(failure)) }
                    }))
        }
        progress.hasFlushed.store(true, ordering: .releasing)
    }

    /// A read of the tenant's file.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (TenantReader) throws -> Value
    ) async throws -> Value {
        let terms = try terms
        return try await callback { done in
            terms.tenant.lane.submit(
                LaneJob(
                    writes: false,
                    perform: { [warrant = terms.warrant] store in
                        do {
                            try warrant.judge(store.reader)
                            let value = try body(store.reader)
                            return { _ in done(.success(value)) }
                        } catch {
                            guard let refusal = Refusal(deciding: error) else { throw error }
                            return { _ in done(.failure(refusal)) }
                        }
                    },
                    fail: { done(.failure($0)) }))
        }
    }

    /// A write that has to be there before the work goes on, say before somebody outside is asked. Its audit row says
    /// 202. A stored answer of an earlier call ends the work and is given in its place.
    package func write<Value: Sendable>(_ effect: @escaping TenantWrite.Effect<Value>) async throws -> Value {
        try await step(.uncounted(status: 202), effect)
    }

    /// Rows that are no effect yet, or are taken away again: judged like a write, without a row in the audit log.
    package func stage<Value: Sendable>(
        _ body: @escaping @Sendable (TenantTransaction) throws -> Value
    ) async throws -> Value {
        try await step(.none) { tenant, _ in try body(tenant) }
    }

    /// Ends the work with the stored answer where this call was answered before.
    package func replay() async throws {
        guard let claim = try terms.claim else { return }
        let stored = try await read { try $0.storedAnswer(for: claim) }
        guard let stored else { return }
        guard claim.stands(for: stored.fingerprint) else { throw Refusal.idempotencyKeyReused }
        throw Replayed(stored: stored)
    }

    /// The hash of a secret that is about to be minted goes to the registry: no two tenants have the same.
    package func reserve(_ hash: Digest) async throws {
        try await callback { done in try fleet.registry.reserve(hash, for: tenant.id, then: done) }
    }

    /// Something long (scrypt, parsing) on a pool of its own; `busy` where the payer has too much waiting there. What
    /// a stranger asks for waits behind strangers alone.
    package func background<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await run(body, on: payer.isStranger ? fleet.hashing : fleet.background)
    }

    /// Whether a password is the one of this hash (nil: nobody's). The meters are looked at before anything is hashed,
    /// and an attempt counts as wrong until it has turned out right (G6).
    package func verifies(
        _ password: String, against hash: String?, decoy: String, _ guess: PasswordMeters.Guess
    ) async throws -> Bool {
        let meters = fleet.budgets.passwords
        let attempt: PasswordMeters.Attempt
        switch meters.begin(guess, now: fleet.monotonic.nanoseconds()) {
        case .wait(let seconds): throw Refusal.rateLimited(retryAfterSeconds: seconds)
        case .go(let begun): attempt = begun
        }
        do {
            let isRight = try await background { Password.opens(password, hash ?? decoy) } && hash != nil
            meters.end(attempt, isRight ? .right : .wrong, now: fleet.monotonic.nanoseconds())
            return isRight
        } catch {
            meters.end(attempt, .unjudged, now: fleet.monotonic.nanoseconds())
            throw error
        }
    }

    /// Reading and writing a file that is not a lane's, on the pool for files.
    package func files<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await run(body, on: fleet.files)
    }

    private func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value, on pool: BackgroundPool
    ) async throws -> Value {
        try await callback { done in
            let submitted = pool.submit(of: payer, orElse: { done(.failure(LaneFailure.tooManyWaiting)) }) {
                done(Result { try body() })
            }
            if !submitted { done(.failure(LaneFailure.tooManyWaiting)) }
        }
    }

    /// Something that answers later, once, from any thread.
    package func callback<Value: Sendable>(
        _ begin: (_ done: @escaping @Sendable (Result<Value, any Error>) -> Void) throws -> Void
    ) async throws -> Value {
        let handover = Handover<Value>()
        try begin { handover.give($0) }
        return try await handover.value()
    }

    /// A body whose pieces are made one after the other by steps of this call, each from where the one before left
    /// `place`; nil ends it, no bytes mean "not yet".
    package func stream<Place: Sendable>(
        head: [UInt8] = [], from place: Place,
        _ next: @escaping @Sendable (inout Place) async throws -> [UInt8]?
    ) -> PulledStream {
        let held = Held(place)
        return PulledStream(head: head) { [flows = fleet.flows] give in
            Task(executorPreference: flows) {
                var place = held.place
                do {
                    let piece = try await next(&place)
                    held.place = place
                    give(.success(piece))
                } catch {
                    give(.failure(error))
                }
            }
        }
    }

    private func step<Value: Sendable>(
        _ record: TenantWrite.StepRecord, _ effect: @escaping TenantWrite.Effect<Value>
    ) async throws -> Value {
        let outcome = try await callback { done in try terms.step(record, effect) { done(.success($0)) } }
        switch outcome {
        case .done(let value):
            progress.hasWritten.store(true, ordering: .releasing)
            return value
        case .replayed(let stored): throw Replayed(stored: stored)
        case .failed(let error): throw error
        }
    }
}

/// Where a stream is. `@unchecked Sendable`: one piece is made at a time, and whoever makes it owns the place.
private final class Held<Place: Sendable>: @unchecked Sendable {
    var place: Place
    init(_ place: Place) { self.place = place }
}

/// Ends a flow: the same call was answered before, with this.
package struct Replayed: Error {
    package let stored: StoredAnswer
}

/// A result on its way from another thread to the work that waits for it. It passes under a lock, and the continuation
/// only wakes: ThreadSanitizer sees what a lock orders, not what the concurrency runtime does, which is not built for
/// it.
final class Handover<Value: Sendable>: Sendable {
    private struct State {
        var result: Result<Value, any Error>?
        var waiter: UnsafeContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func give(_ result: Result<Value, any Error>) {
        let waiter = state.withLock { state in
            precondition(state.result == nil, "a step answers once")
            state.result = result
            return state.waiter
        }
        waiter?.resume()
    }

    func value() async throws -> Value {
        await withUnsafeContinuation { waiter in
            let isThere = state.withLock { state in
                if state.result == nil { state.waiter = waiter }
                return state.result != nil
            }
            if isThere { waiter.resume() }
        }
        guard let result = state.withLock({ $0.result }) else { throw Refusal.defect }
        return try result.get()
    }
}
