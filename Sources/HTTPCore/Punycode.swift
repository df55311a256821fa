/// Letters beyond ASCII as ASCII (RFC 3492), for labels of domain names: 63 characters at most.
enum Punycode {
    private static let base = 36
    private static let tMin = 1
    private static let tMax = 26
    private static let initialBias = 72
    private static let initialN = 0x80
    /// Longer texts are no label.
    private static let scalarsMax = 64

    /// Nil for a text that is too long.
    static func encode(_ scalars: [Unicode.Scalar]) -> String? {
        guard scalars.count <= scalarsMax else { return nil }
        var output = scalars.filter(\.isASCII).map { UInt8($0.value) }
        let basic = output.count
        if basic > 0 { output.append(0x2D) }
        var (n, delta, bias, handled) = (initialN, 0, initialBias, basic)
        while handled < scalars.count {
            guard let next = scalars.lazy.map({ Int($0.value) }).filter({ $0 >= n }).min() else { return nil }
            delta += (next - n) * (handled + 1)
            n = next
            for scalar in scalars {
                let value = Int(scalar.value)
                if value < n { delta += 1 }
                guard value == n else { continue }
                append(delta, bias, to: &output)
                bias = adapted(delta, points: handled + 1, isFirst: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            n += 1
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Nil for what no letters give.
    static func decode(_ text: Substring) -> [Unicode.Scalar]? {
        let bytes = Array(text.utf8)
        guard bytes.count <= scalarsMax else { return nil }
        let mark = bytes.lastIndex(of: 0x2D)
        var output = bytes[..<(mark ?? 0)].map { Unicode.Scalar($0) }
        var rest = bytes[(mark.map { $0 + 1 } ?? 0)...].makeIterator()
        var (n, place, bias) = (initialN, 0, initialBias)
        while let first = rest.next() {
            let before = place
            var (weight, step, next) = (1, base, Optional(first))
            while true {
                guard let byte = next, let digit = value(of: byte) else { return nil }
                place += digit * weight
                let threshold = self.threshold(step, bias)
                if digit < threshold { break }
                weight *= base - threshold
                // What a label can hold stays far below.
                guard weight < 1 << 40, place < 1 << 40 else { return nil }
                step += base
                next = rest.next()
            }
            let count = output.count + 1
            bias = adapted(place - before, points: count, isFirst: before == 0)
            n += place / count
            place %= count
            guard let scalar = Unicode.Scalar(UInt32(clamping: n)) else { return nil }
            output.insert(scalar, at: place)
            place += 1
        }
        return output
    }

    private static func append(_ delta: Int, _ bias: Int, to output: inout [UInt8]) {
        var (rest, step) = (delta, base)
        while true {
            let threshold = self.threshold(step, bias)
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (base - threshold)))
            rest = (rest - threshold) / (base - threshold)
            step += base
        }
        output.append(digit(rest))
    }

    private static func threshold(_ step: Int, _ bias: Int) -> Int { min(max(step - bias, tMin), tMax) }

    private static func adapted(_ delta: Int, points: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / points
        var steps = 0
        while delta > (base - tMin) * tMax / 2 {
            delta /= base - tMin
            steps += base
        }
        return steps + (base - tMin + 1) * delta / (delta + 38)
    }

    private static func digit(_ value: Int) -> UInt8 { UInt8(value < 26 ? 0x61 + value : 0x30 + value - 26) }

    private static func value(of byte: UInt8) -> Int? {
        switch byte {
        case 0x61...0x7A: Int(byte) - 0x61
        case 0x30...0x39: Int(byte) - 0x30 + 26
        default: nil
        }
    }
}
