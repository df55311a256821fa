import HTTPClient
import HTTPCore

/// Nothing that a name server sends is read past its end, or as more addresses than are kept; what is no answer to the
/// question is none; and an answer that says addresses plainly is read as those.
enum NamesProperties {
    static func check(_ input: [UInt8]) throws(Violation) {
        for kind in [NameQuestion.Kind.ipv4, .ipv6] {
            guard let question = NameQuestion("hooks.example.com", kind, number: 0x1234) else {
                throw Violation("the name cannot be asked for")
            }
            try demand(input.starts(with: [0x12, 0x34]) || question.answer(input) == nil, "another number was taken")
            // As it came, and behind the head and question of a good answer, where the records begin.
            try bounded(question.answer(input), kind)
            let counts: [UInt8] = [0, 1, input.first ?? 0, input.last ?? 0, 0, 0, 0, 0]
            let head: [UInt8] = [0x12, 0x34, 0x81, 0x80] + counts
            try bounded(question.answer(head + question.bytes.dropFirst(12) + input), kind)
            try plain(input, question, kind)
        }
    }

    private static func bounded(_ answer: NameQuestion.Answer?, _ kind: NameQuestion.Kind) throws(Violation) {
        guard case .addresses(let addresses, _) = answer else { return }
        try demand(addresses.count <= NameQuestion.addressesMax, "too many addresses")
        guard kind == .ipv4 else { return }
        try demand(addresses.allSatisfy(\.isIPv4), "an address of the other kind")
    }

    /// The input's bytes as addresses.
    private static func plain(
        _ input: [UInt8], _ question: NameQuestion, _ kind: NameQuestion.Kind
    ) throws(Violation) {
        let length = kind == .ipv4 ? 4 : 16
        let count = min(input.count / length, NameQuestion.addressesMax)
        var message: [UInt8] = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, UInt8(count), 0, 0, 0, 0]
        message += question.bytes.dropFirst(12)
        for index in 0..<count {
            message += [0xC0, 0x0C, 0, UInt8(kind.rawValue), 0, 1, 0, 0, 0, 60, 0, UInt8(length)]
            message += input[index * length..<(index + 1) * length]
        }
        guard case .addresses(let read, let seconds) = question.answer(message) else {
            throw Violation("a plain answer was not read")
        }
        try demand(read.count == count && (count == 0 || seconds == 60), "addresses were lost")
    }
}
