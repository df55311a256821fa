import TenantRegistry

/// Moments that have passed (B2). The log's clock is this machine's.
extension SharedLogScene {
    /// The next millisecond but one: behind all that was done, and before all that is.
    private func moment() -> Timestamp {
        let clock = SystemClock()
        func next() -> Timestamp {
            let now = clock.now()
            while clock.now() == now {}
            return clock.now()
        }
        let moment = next()
        _ = next()
        return moment
    }

    func pasts() throws {
        let (id, stream) = try opened()
        let before = moment()
        let born = try reset(stream, [[1]])
        let first = moment()
        try append(stream, count: 2)
        let then = stream.settled
        let second = moment()
        _ = try reset(stream, [[2]])
        try append(stream, count: 1)
        let end = stream.settled
        let third = moment()
        try append(stream, count: 1)
        for (at, place) in [(first, born), (second, then), (third, end), (moment(), stream.settled)] {
            try expect(try other.past(of: id, at: at), .upTo(place), "what came by a moment")
        }
        try expect(try read(id, after: 1, chain: born.chain, upTo: 3).chain, then.chain, "what is played up to it")
        guard case .begins(let begin?) = try other.past(of: id, at: before) else {
            throw Nonconformance(description: "there is nothing from before the first snapshot")
        }
        try expect(begin > before && begin <= first, "the first moment that there is")
        try expect(try other.past(of: id, at: begin), .upTo(born), "what came by the first moment")
        let ahead = SystemClock().now().adding(seconds: 3_600)
        try expect(try other.past(of: id, at: ahead), .ahead, "a moment that is still to come")
        try refuses(.unknown, "the past of nothing") { _ = try other.past(of: tenant(), at: first) }
    }

    func retention() throws {
        let (id, stream) = try opened()
        let born = try reset(stream, [[1]])
        let first = moment()
        for number in 2...6 as ClosedRange<UInt8> {
            try append(stream, count: 1)
            try put(stream, [[number]])
        }
        let again = try reset(stream, [[7]])
        let second = moment()
        try append(stream, count: 1)
        try put(stream, [[8]])
        try append(stream, count: 1)
        try put(stream, [[9]])
        try log.trim(id, before: 8, keepingDays: 1)
        let left = try other.snapshots(of: id).map(\.sequence)
        try expect(Set(left).isSuperset(of: [1, 7, 8, 9]), "a snapshot of the day, resets, and the newest stay")
        try expect(try other.past(of: id, at: first), .upTo(born), "what came by a moment of the day")
        try expect(try other.past(of: id, at: second), .upTo(again), "what came by a later one")
        try expect(try read(id, after: 1, chain: born.chain, upTo: 6).sequences, [2, 3, 4, 5, 6], "all records stay")
        try log.trim(id, before: 8, keepingDays: 0)
        try expect(try other.snapshots(of: id).map(\.sequence), [9, 8], "without days to keep the newest alone stay")
    }
}
