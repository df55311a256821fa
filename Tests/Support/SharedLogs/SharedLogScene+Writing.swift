import Cryptography
import TenantRegistry
import TestTenants

extension SharedLogScene {
    func births() throws {
        let id = tenant()
        try expect(try log.head(of: id), nil, "the head of nothing")
        try refuses(.unknown, "to open nothing") { _ = try log.open(id, as: first, key: key) }
        try log.create(id, owner: first)
        try refuses(.exists, "a second birth") { try other.create(id, owner: second) }
        let head = try head(id)
        try expect(head.owner, first, "the owner")
        try expect(head.sequence, 0, "the sequence of a tenant without a record")
        try expect(head.resetAt, 0, "the last reset of a tenant without one")
        try expect(try log.snapshots(of: id), [], "the snapshots of a tenant without one")
        try expect(head.chain, .zero, "the head's chain at the beginning")
        try expect(try log.chain(of: id, at: 0), .zero, "the chain at the beginning")
    }

    func appends() throws {
        let (id, stream) = try opened()
        try expect(stream.head, try head(id), "the head as it was opened")
        try expect(stream.epoch, stream.head.epoch, "the epoch as it was opened")
        let verdicts = Verdicts(20)
        for number in 1...20 {
            let sequence = payload(number).withUnsafeBytes { bytes in
                stream.append(bytes) { verdicts.add(UInt64(number), $0) }
            }
            try expect(sequence, UInt64(number), "the sequence of an append")
        }
        let told = try verdicts.all()
        try expect(told.map(\.place), Array(1...20), "the order of the verdicts")
        try expect(told.allSatisfy { $0.verdict == .appended }, "each is appended")
        let head = try head(id)
        try expect(head.sequence, 20, "the head's sequence")
        try expect(stream.settled.sequence, 20, "the last that was appended for certain")
        try expect(stream.settled.chain, head.chain, "the chain there")
        let found = try read(id, upTo: 20)
        try expect(found.sequences, Array(1...20), "the sequences of the records")
        try expect(found.payloads, (1...20).map(payload), "the records")
        try expect(found.epochs.allSatisfy { $0 == stream.epoch }, "each record has its writer's epoch")
        try expect(found.chain, head.chain, "the chain of what was read")
        try expect(log.standing.appended >= 20, "appends are counted")
        try expect(log.isReachable, "the log can be reached")
    }

    func pipelines() throws {
        let streams = try (1...8).map { _ in try opened() }
        let verdicts = streams.map { _ in Verdicts(50) }
        for (place, (_, stream)) in streams.enumerated() {
            let verdicts = verdicts[place]
            startThread("appends") {
                for number in 1...50 {
                    _ = [UInt8](repeating: UInt8(place), count: number * 40).withUnsafeBytes { bytes in
                        stream.append(bytes) { verdicts.add(UInt64(number), $0) }
                    }
                }
            }
        }
        for (place, (id, stream)) in streams.enumerated() {
            let told = try verdicts[place].all()
            try expect(told.map(\.place), Array(1...50), "the order of a stream's verdicts")
            try expect(told.allSatisfy { $0.verdict == .appended }, "each is appended")
            let found = try read(id, upTo: 50)
            try expect(
                found.payloads, (1...50).map { [UInt8](repeating: UInt8(place), count: $0 * 40) }, "a stream's records")
            try expect(found.chain, stream.settled.chain, "its chain")
        }
    }

    func sizes() throws {
        let (id, stream) = try opened()
        let large = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        try expect(try append(stream, [0]), .appended, "a byte")
        try expect(try append(stream, large), .appended, "three megabytes")
        try expect(try append(stream, [1]), .appended, "a byte after them")
        let found = try read(id, upTo: 3)
        try expect(found.payloads == [[0], large, [1]], "what was appended is read")
    }

    func fence() throws {
        let (id, stream) = try opened()
        try append(stream, count: 3)
        let heir = try other.open(id, as: first, key: key)
        try expect(heir.epoch > stream.epoch, "opening raises the epoch")
        try expect(heir.head.sequence, 3, "the heir begins where the last append was")
        let verdicts = Verdicts(3)
        for place in 1...3 as ClosedRange<UInt64> {
            _ = payload(9).withUnsafeBytes { stream.append($0) { verdicts.add(place, $0) } }
        }
        let told = try verdicts.all()
        try expect(told.first?.verdict, .refused, "an append of who was ended")
        try expect(told.allSatisfy { $0.verdict != .appended }, "none after it is appended")
        try expect(told.map(\.place), [1, 2, 3], "the order of the verdicts")
        try expect(stream.settled.sequence, 3, "what stays of who was ended")
        try append(heir, count: 2)
        try expect(try append(stream, payload(9)) != .appended, "who was ended stays so")
        try expect(try read(id, upTo: 5).payloads, [1, 2, 3, 1, 2].map(payload), "the records")
        try expect(try head(id).sequence, 5, "the head's sequence")
    }

    func everybody() throws {
        let id = tenant()
        let mine = try log.openForAll(id, key: key)
        let theirs = try other.openForAll(id, key: key)
        try expect(mine.head, theirs.head, "two that open it see one head")
        try expect(mine.head.owner, nil, "everybody's has no owner")
        try append(mine, count: 2)
        try expect(try append(theirs, payload(8)), .refused, "an append where somebody came before")
        try expect(try append(theirs, payload(8)) != .appended, "nor one after it")
        let again = try other.openForAll(id, key: key)
        try expect(again.head.sequence, 2, "who opens it again is where it is")
        try append(again, count: 1)
        try expect(try append(mine, payload(8)), .refused, "an append of the first, where the second came between")
        try expect(try read(id, upTo: 3).payloads, [1, 2, 1].map(payload), "the records")
        try refuses(nil, "to open everybody's as one's own") { _ = try log.open(id, as: first, key: key) }
        // The registry is the one whose head a beat shows.
        let generation = try join(log, first)
        let registry = try log.openForAll(.registry, key: key)
        try append(registry, count: 1)
        let view = try log.beat(first, generation: generation, state: .serving, ownersSince: 0)
        try expect(view?.registrySequence, registry.settled.sequence, "where the registry is")
        try expect(view?.owners.contains { $0.tenant == .registry } ?? true, false, "the registry is nobody's")
    }

    func removals() throws {
        let (id, stream) = try opened()
        try append(stream, count: 2)
        try put(stream, [[1, 2, 3]])
        try other.remove(id)
        try expect(try log.head(of: id), nil, "the head of what was removed")
        try expect(try log.snapshots(of: id), [], "its snapshots")
        try expect(try append(stream, payload(3)) != .appended, "an append to what was removed")
        try expect(try log.head(of: id), nil, "the head after that")
        try refuses(.unknown, "to open it") { _ = try log.open(id, as: first, key: key) }
    }
}
