import Cryptography
import Foundation
import Synchronization
import TenantRegistry

/// A tenant that a node has open in a `MemoryLogStore`.
///
/// Any thread: what changes is under `state`; appends take effect on the link's thread, one after the other.
final class MemoryLogStream: SharedStream {
    private struct State: Sendable {
        var epoch: UInt64
        /// The last that was given out.
        var last: UInt64
        var settled: SharedPlace
        /// What every append is told from here on.
        var end: SharedVerdict?
    }

    let head: SharedHead
    private let log: MemorySharedLog
    private let tenant: TenantID
    private let seal: Digest
    private let state: Mutex<State>

    init(_ log: MemorySharedLog, _ tenant: TenantID, _ head: SharedHead, seal: Digest) {
        (self.log, self.tenant, self.head, self.seal) = (log, tenant, head, seal)
        let place = SharedPlace(sequence: head.sequence, chain: head.chain)
        state = Mutex(State(epoch: head.epoch, last: head.sequence, settled: place))
    }

    var epoch: UInt64 { state.withLock { $0.epoch } }
    var settled: SharedPlace { state.withLock { $0.settled } }

    // MARK: Appending

    func append(_ commit: UnsafeRawBufferPointer, then: @escaping @Sendable (SharedVerdict) -> Void) -> UInt64 {
        let payload = [UInt8](commit)
        let sequence = state.withLock { state in
            state.last += 1
            return state.last
        }
        let fault = log.faults.fault(of: tenant)
        log.line.add { [self] in
            let verdict = land(payload, sequence, fault)
            guard let verdict else { return then(.unknown) }
            log.count { figures in
                figures.groups += 1
                if verdict == .appended { figures.appended += 1 } else { figures.refused += 1 }
                figures.bytes += UInt64(payload.count)
            }
            // One that has crashed tells nobody; when it is closed, it says that it does not know.
            if case .free = log.faults.pass(.telling) { then(verdict) } else { then(.unknown) }
        }
        return sequence
    }

    /// Makes it so, and says how it came out; nil: the node has crashed.
    private func land(_ payload: [UInt8], _ sequence: UInt64, _ fault: AppendFault?) -> SharedVerdict? {
        let passage = log.faults.pass(.landing)
        if passage == .crashed { return nil }
        if let end = state.withLock({ $0.end }) { return end }
        guard passage == .free else {
            log.tell(isReachable: false)
            return end(.unknown)
        }
        log.store.tick()
        var payload = payload
        if fault == .poisoned { for place in Self.words(in: payload) { payload[place] ^= 1 } }
        let (epoch, before) = state.withLock { ($0.epoch, $0.settled.chain) }
        let chain = MemoryLogState.chain(before, epoch, sequence, SHA256.hash(payload))
        let record = MemoryLogState.Record(epoch: epoch, chain: chain, payload: payload, seal: seal, isReset: false)
        switch fault {
        case .slow, .poisoned, nil:
            if fault == .slow { pause(milliseconds: 20) }
            return write(sequence, record) ? keep(sequence, chain) : end(.refused)
        case .refused:
            log.store.raise(tenant)
            return write(sequence, record) ? keep(sequence, chain) : end(.refused)
        case .answerLost:
            _ = write(sequence, record)
            return settle(sequence, record)
        case .requestLost: return settle(sequence, record)
        case .late:
            log.store.send(tenant, sequence: sequence, record, arrivingAfterCalls: log.faults.delay())
            return settle(sequence, record)
        case .unknownLanded:
            _ = write(sequence, record)
            return end(.unknown)
        case .unknownAbsent: return end(.unknown)
        case .unknownLate:
            log.store.send(tenant, sequence: sequence, record, arrivingAfterCalls: log.faults.delay())
            return end(.unknown)
        }
    }

    /// Where words of rows stand, of which later commits do not write every one again.
    private static func words(in payload: [UInt8]) -> [Int] {
        payload.indices.dropFirst().dropLast(2).filter { place in
            payload[place - 1...place + 2].allSatisfy { (0x61...0x79).contains($0) }
        }
    }

    private func write(_ sequence: UInt64, _ record: MemoryLogState.Record) -> Bool {
        log.store.state.withLock { $0.append(tenant, sequence: sequence, record) }
    }

    private func keep(_ sequence: UInt64, _ chain: Digest) -> SharedVerdict {
        log.tell(isReachable: true)
        state.withLock { $0.settled = SharedPlace(sequence: sequence, chain: chain) }
        return .appended
    }

    private func end(_ verdict: SharedVerdict) -> SharedVerdict {
        state.withLock { $0.end = verdict }
        return verdict
    }

    private func settle(_ sequence: UInt64, _ record: MemoryLogState.Record) -> SharedVerdict {
        log.count { $0.unsettled += 1 }
        let (verdict, epoch) = log.store.state.withLock { state in
            state.settle(tenant, epoch: record.epoch, sequence: sequence, chain: record.chain)
        }
        guard verdict == .appended else { return end(verdict) }
        state.withLock { $0.epoch = epoch }
        return keep(sequence, record.chain)
    }

    // MARK: Snapshots

    func putSnapshot(at place: SharedPlace, _ next: () throws -> [UInt8]?) throws {
        let number = try write(next).number
        let tenant = tenant
        try log.snapshotCall { state in
            let now = state.clock.now()
            state.change(number, of: tenant) { $0.end(at: place, now) }
        }
    }

    func reset(_ next: () throws -> [UInt8]?) throws -> SharedPlace {
        let (number, content) = try write(next)
        let (epoch, sequence, before) = state.withLock { ($0.epoch, $0.last + 1, $0.settled.chain) }
        let chain = MemoryLogState.chain(before, epoch, sequence, content)
        let record = MemoryLogState.Record(epoch: epoch, chain: chain, payload: [], seal: seal, isReset: true)
        let place = SharedPlace(sequence: sequence, chain: chain)
        let tenant = tenant
        try log.snapshotCall { state throws(SharedLogError) in
            guard state.append(tenant, sequence: sequence, record) else {
                throw .notOwner(state.tenants[tenant]?.head.owner)
            }
            state.tenants[tenant]?.head.resetAt = sequence
            let now = state.clock.now()
            state.change(number, of: tenant) { $0.end(at: place, now) }
        }
        state.withLock { ($0.last, $0.settled) = (sequence, place) }
        return place
    }

    /// The pieces of a snapshot that is not whole yet, and what they come to.
    private func write(_ next: () throws -> [UInt8]?) throws -> (number: Int, content: Digest) {
        let (tenant, seal) = (tenant, seal)
        let number = try log.snapshotCall { state throws(SharedLogError) in
            try state.beginSnapshot(of: tenant, seal: seal)
        }
        var hash = SHA256Stream()
        while let piece = try next() {
            hash.update(piece)
            try log.snapshotCall { state in state.change(number, of: tenant) { $0.pieces.append(piece) } }
        }
        return (number, hash.finish())
    }
}
