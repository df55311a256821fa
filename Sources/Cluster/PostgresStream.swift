import Cryptography
import Synchronization
package import TenantRegistry

/// A tenant that is open for writing in PostgreSQL.
///
/// Invariant: what was given out as sequences goes to one shipper, in their order. Once a verdict is not `appended`,
/// `failure` is set, and nothing of the stream is sent any more.
package final class PostgresStream: SharedStream {
    struct State {
        var epoch: UInt64
        /// Given out last.
        var sequence: UInt64
        /// Sealed last: what follows is chained to it.
        var sealed: SharedPlace
        var settled: SharedPlace
        var failure: SharedVerdict?
    }

    let log: PostgresLog
    let tenant: TenantID
    let key: [UInt8]
    package let head: SharedHead
    let state: Mutex<State>

    init(_ log: PostgresLog, _ tenant: TenantID, key: [UInt8], head: SharedHead) {
        (self.log, self.tenant, self.key, self.head) = (log, tenant, key, head)
        let place = SharedPlace(sequence: head.sequence, chain: head.chain)
        state = Mutex(State(epoch: head.epoch, sequence: head.sequence, sealed: place, settled: place))
    }

    /// It rises where a commit whose connection was lost turned out to be there.
    package var epoch: UInt64 { state.withLock { $0.epoch } }
    package var settled: SharedPlace { state.withLock { $0.settled } }

    package func append(
        _ commit: UnsafeRawBufferPointer, then: @escaping @Sendable (SharedVerdict) -> Void
    ) -> UInt64 {
        let payload = [UInt8](commit)
        let sequence = state.withLock { state in
            state.sequence += 1
            return state.sequence
        }
        log.shipper(of: tenant).put(
            PostgresAppend(stream: self, sequence: sequence, payload: payload, since: now(), then: then))
        return sequence
    }

    /// The commit as it goes to the server. Only the shipper calls it, in the order of the sequences.
    func seal(_ sequence: UInt64, _ payload: [UInt8]) throws(SharedLogError) -> SealedRecord {
        let (epoch, before) = state.withLock { ($0.epoch, $0.sealed) }
        precondition(sequence == before.sequence + 1)
        guard payload.count <= PostgresBounds.openedBytesMax else {
            throw .refused("a commit of \(payload.count) bytes: a record has \(PostgresBounds.openedBytesMax) at most")
        }
        let data = try RecordSeal.seal(
            payload, isPacked: tenant.packsCommits, key: key,
            place: RecordSeal.place(tenant, epoch: epoch, sequence: sequence), random: log.random)
        let chain = data.withUnsafeBytes {
            RecordSeal.chain(after: before.chain, epoch: epoch, sequence: sequence, data: $0)
        }
        let place = SharedPlace(sequence: sequence, chain: chain)
        state.withLock { $0.sealed = place }
        return SealedRecord(epoch: epoch, before: before.chain, place: place, data: data)
    }

    /// What became of what was sent, up to that place.
    func settle(_ verdict: SharedVerdict, upTo place: SharedPlace) {
        state.withLock { state in
            if verdict != .appended { state.failure = state.failure ?? verdict } else { state.settled = place }
        }
    }

    /// What was in doubt is there. Nil: whoever raised the epoch has ended the stream all the same.
    func goOn(under epoch: UInt64?) {
        state.withLock { state in
            if let epoch { state.epoch = epoch } else { state.failure = state.failure ?? .refused }
        }
    }

    /// A commit was never sent. Gives what to say of it, and of all after it.
    func dropUnsent() -> SharedVerdict {
        state.withLock { state in
            if let failure = state.failure { return failure.ofLater }
            state.failure = .absent
            return .absent
        }
    }

    /// What is to be said of a commit that was not sent, because an earlier one failed; nil: none did.
    var later: SharedVerdict? { state.withLock { $0.failure?.ofLater } }
}

/// A record in the form in which it is stored.
struct SealedRecord: Sendable {
    let epoch: UInt64
    /// The chain that it follows.
    let before: Digest
    let place: SharedPlace
    let data: [UInt8]
}

extension SharedVerdict {
    /// Of what was never sent, as something before it had this verdict.
    fileprivate var ofLater: SharedVerdict { self == .refused ? .refused : .absent }
}

/// A commit that is to be appended.
struct PostgresAppend: Sendable {
    let stream: PostgresStream
    let sequence: UInt64
    let payload: [UInt8]
    /// Of the clock of `now`.
    let since: UInt64
    let then: @Sendable (SharedVerdict) -> Void
}
