import Cryptography
import TenantRegistry

extension SharedLogScene {
    private struct BrokenOff: Error {}

    func ranges() throws {
        let (id, stream) = try opened()
        try append(stream, count: 6)
        let whole = try read(id, upTo: 6)
        let head = try read(id, upTo: 2)
        try expect(head.sequences, [1, 2], "the first two")
        let tail = try read(id, after: 2, chain: head.chain, upTo: 6)
        try expect(tail.sequences, [3, 4, 5, 6], "what follows them")
        try expect(tail.chain, whole.chain, "the chain is the same in one go and in two")
        let nothing = try read(id, after: 6, chain: whole.chain, upTo: 6)
        try expect(nothing.sequences, [], "nothing after the last")
        try expect(nothing.chain, whole.chain, "the chain of nothing is the one that was given")
        try isDamaged("another chain before it") {
            _ = try read(id, after: 2, chain: SHA256.hash("another"), upTo: 6)
        }
        try isDamaged("a record that is not there") { _ = try read(id, upTo: 7) }
        do {
            _ = try read(id, upTo: 6, key: [UInt8](repeating: 8, count: 32))
            throw Nonconformance(description: "another key reads the records")
        } catch is SharedLogError {}
        var seen = 0
        do {
            _ = try log.records(of: id, after: 0, chain: try start(of: id), upTo: 6, key: key) { _ in
                seen += 1
                if seen == 3 { throw BrokenOff() }
            }
            throw Nonconformance(description: "what the reader throws goes through")
        } catch is BrokenOff { try expect(seen, 3, "records before the reader threw") }
    }

    private func start(of id: TenantID) throws -> Digest {
        guard let chain = try log.chain(of: id, at: 0) else {
            throw Nonconformance(description: "the chain at the beginning is not known")
        }
        return chain
    }

    func chains() throws {
        let (id, stream) = try opened()
        try append(stream, count: 3)
        var last = try start(of: id)
        for sequence in 1...3 as ClosedRange<UInt64> {
            let chain = try log.chain(of: id, at: sequence)
            try expect(chain, try read(id, upTo: sequence).chain, "the chain at \(sequence)")
            try expect(chain != last, "each record changes the chain")
            last = chain ?? .zero
        }
        try expect(stream.settled.chain, last, "the stream's chain")
        try expect(try log.chain(of: id, at: 4), nil, "the chain behind the end")
        try expect(try log.chain(of: tenant(), at: 0), nil, "the chain of nothing")
        // Another tenant's records of the same bytes have another end, or a mark of one would pass for the other's.
        let heir = try other.open(id, as: first, key: key)
        try append(heir, count: 1)
        try expect(try other.chain(of: id, at: 3), last, "the chain does not change behind")
    }

    func tails() throws {
        let (id, stream) = try opened()
        func records(_ node: NodeName) throws -> [UInt64] {
            try other.tails(of: node).filter { $0.tenant == id }.map(\.records)
        }
        try append(stream, count: 2)
        try expect(try records(first), [], "what has no snapshot")
        try put(stream, [[1]])
        try expect(try records(first), [], "nothing since the snapshot")
        try append(stream, count: 3)
        try expect(try records(first), [3], "what came since")
        try expect(try records(second), [], "another's")
        let age = try other.tails(of: first).first { $0.tenant == id }?.ageSeconds
        try expect((0...60).contains(age ?? -1), "the snapshot was put just now")
        try put(stream, [[2]])
        try expect(try records(first), [], "all of it is in a snapshot")
        let registry = try log.openForAll(.registry, key: key)
        try put(registry, [[3]])
        try append(registry, count: 1)
        try expect(try other.tails(of: second).contains { $0.tenant == .registry }, "the registry is everybody's")
    }

    func snapshots() throws {
        let (id, stream) = try opened()
        try append(stream, count: 2)
        let pieces = [[UInt8](repeating: 1, count: 100_000), [2], [UInt8](repeating: 3, count: 1 << 20)]
        let place = stream.settled
        let chain = place.chain
        try append(stream, count: 1)
        // Of a moment that is past, while commits go on.
        var left = pieces[...]
        try stream.putSnapshot(at: place) {
            if left.count == 2 { try append(stream, count: 1) }
            return left.popFirst()
        }
        try put(stream, [[9, 9]])
        do {
            var given = 0
            try stream.putSnapshot(at: stream.settled) {
                given += 1
                if given == 3 { throw BrokenOff() }
                return [UInt8](repeating: 5, count: 70_000)
            }
            throw Nonconformance(description: "what the giver throws goes through")
        } catch is BrokenOff {}
        let found = try other.snapshots(of: id)
        try expect(found.map(\.sequence), [4, 2], "whole snapshots, newest first")
        try expect(found.map(\.chain), [stream.settled.chain, chain], "their chains")
        try expect(found.allSatisfy { $0.bytes > 0 }, "their size is known")
        try expect(try content(of: found[1], id) == Array(pieces.joined()), "a snapshot is read as it was put")
        try expect(try content(of: found[0], id), [9, 9], "so is the next")
        do {
            _ = try content(of: found[0], id, key: [UInt8](repeating: 8, count: 32))
            throw Nonconformance(description: "another key reads the snapshot")
        } catch is SharedLogError {}
        try append(stream, count: 1)
        try expect(try read(id, after: 2, chain: chain, upTo: 5).sequences, [3, 4, 5], "records go on from a snapshot")
    }

    func resets() throws {
        let (id, stream) = try opened()
        try append(stream, count: 3)
        let place = try reset(stream, [[1], [2, 3]])
        try expect(place.sequence, 4, "a reset's sequence")
        try expect(stream.settled, place, "the last that is certain")
        let head = try head(id)
        try expect(head.sequence, 4, "the head's sequence")
        try expect(head.resetAt, 4, "the head's last reset")
        try expect(head.chain, place.chain, "the head's chain")
        try append(stream, count: 2)
        guard let snapshot = try other.snapshots(of: id).first else {
            throw Nonconformance(description: "a reset is a snapshot")
        }
        try expect(snapshot.sequence, 4, "the snapshot's sequence")
        try expect(snapshot.chain, head.chain, "the snapshot's chain")
        try expect(try content(of: snapshot, id), [1, 2, 3], "the snapshot")
        try expect(try read(id, after: 4, chain: snapshot.chain, upTo: 6).sequences, [5, 6], "what follows the reset")
        try isDamaged("what was before the reset is not played through it") { _ = try read(id, upTo: 6) }
        let heir = try other.open(id, as: first, key: key)
        try expect(heir.head.resetAt, 4, "who opens it learns of the reset")
        try refuses(.notOwner(first), "a reset of who was ended") { _ = try reset(stream, [[7]]) }
        try expect(try self.head(id).sequence, 6, "the head is where it was")
        try expect(try other.snapshots(of: id).first?.sequence, 4, "the snapshot is the one that was")
        try append(heir, count: 1)
    }

    func trims() throws {
        let (id, stream) = try opened()
        try append(stream, count: 2)
        try put(stream, [[1]])
        try append(stream, count: 2)
        try put(stream, [[2]])
        let middle = stream.settled.chain
        try append(stream, count: 2)
        try put(stream, [[3]])
        try append(stream, count: 1)
        try log.trim(id, before: 4, keepingDays: 0)
        let left = try other.snapshots(of: id)
        try expect(left.map(\.sequence), [6, 4], "the snapshots that stay")
        try expect(try content(of: left[1], id), [2], "the older of them")
        try expect(try read(id, after: 4, chain: middle, upTo: 7).sequences, [5, 6, 7], "what the older one needs")
        try expect(try other.chain(of: id, at: 4), middle, "the chain at the older one")
        try append(stream, count: 1)
        try expect(try head(id).sequence, 8, "the tenant goes on")
    }
}
