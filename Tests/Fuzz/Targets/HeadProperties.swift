import HTTPCore
import HTTPServer
import TestSeeds

/// The head gate: the result does not depend on how the bytes were cut into reads, and of everything that it takes a
/// lax reader finds the same messages with the same bodies. What only one of the two can read is refused.
enum HeadProperties {
    /// One message as the parser gave it, and where it ended.
    private struct Message: Equatable {
        var head: FramedHead
        var body: [UInt8] = []
        var isWhole = false
        var end: Int
    }

    private struct Outcome: Equatable {
        var messages: [Message] = []
        var refusal: FramingFault?
    }

    static func check(_ input: [UInt8]) throws(Violation) {
        let whole = read(input) { $0 }
        let single = read(input) { _ in 1 }
        try demand(single == whole, "byte by byte it is read differently: \(single) / \(whole)")
        var draw = Seeded(input)
        let pieces = read(input) { min($0, 1 + draw.below(40)) }
        try demand(pieces == whole, "in pieces it is read differently: \(pieces) / \(whole)")
        try compare(whole, with: input)
        for message in whole.messages { try judge(message) }
    }

    /// `size` says how much of what is left comes with the next read.
    private static func read(_ input: [UInt8], _ size: (Int) -> Int) -> Outcome {
        var parser = RequestParser()
        var outcome = Outcome()
        var pending: [UInt8] = []
        var (offered, used) = (0, 0)
        while offered < input.count {
            let count = size(input.count - offered)
            pending += input[offered..<offered + count]
            offered += count
            var cursor = 0
            pending.withUnsafeBufferPointer { bytes in
                while outcome.refusal == nil {
                    let event = parser.next(bytes, &cursor)
                    switch event {
                    case .needMore: return
                    case .refused(let refusal): outcome.refusal = refusal
                    case .head(let head):
                        outcome.messages.append(Message(head: head, isWhole: !head.hasBody, end: used + cursor))
                    case .body(let range): outcome.messages[outcome.messages.count - 1].body += bytes[range]
                    case .end:
                        outcome.messages[outcome.messages.count - 1].isWhole = true
                        outcome.messages[outcome.messages.count - 1].end = used + cursor
                    }
                }
            }
            if outcome.refusal != nil { break }
            used += cursor
            pending.removeFirst(cursor)
        }
        return outcome
    }

    private static func compare(_ outcome: Outcome, with input: [UInt8]) throws(Violation) {
        var lax = LaxReader(input)
        for message in outcome.messages where message.isWhole {
            guard let other = lax.next() else { throw Violation("a lax reader finds no message where the parser did") }
            try demand(other.body == message.body, "a lax reader finds another body")
            try demand(
                lax.at == message.end, "a lax reader ends the message at \(lax.at), the parser at \(message.end)")
        }
    }

    private static func judge(_ message: Message) throws(Violation) {
        let head = message.head.head
        let places = [head.targetRange, head.pathRange] + [head.queryRange].compactMap { $0 }
        for range in places + head.fields.flatMap({ [$0.name, $0.value] }) {
            try demand(range.lowerBound >= 0 && range.upperBound <= head.bytes.count, "a place outside the head")
        }
        try demand(head.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a byte in the target that must not be")
        try demand(head.target.utf8.first == 0x2F, "a target without a slash")
        for field in head.fields {
            let value = head.bytes[field.value]
            try demand(
                !value.contains { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }, "a control character in a field's value")
        }
        if case .length(let length) = message.head.framing, message.isWhole {
            try demand(length == message.body.count, "a body of another length than announced")
        }
    }
}
