package import Cryptography
package import HTTPCore

/// What the head of a signed call claims (W5), read and not yet believed. A value.
package struct SignatureClaim: Sendable {
    /// Unix seconds, never negative.
    package let seconds: Int64
    /// Nil where there is none, or a malformed one.
    package let digest: Digest?
    /// Everything that is signed before the body.
    package let signedHead: [UInt8]

    /// Throws `Refusal.badSignature` where the timestamp is missing or malformed: nothing can be signed without it.
    package init(_ head: RequestHead) throws(Refusal) {
        guard let place = head.range(of: .timestamp), let seconds = head.number(place) else {
            throw .badSignature("X-Tollgate-Timestamp is missing or not unix seconds.")
        }
        self.seconds = seconds
        digest = head.range(of: .signature).flatMap { head.digest($0) }
        signedHead = SignedText.head(
            timestamp: head.bytes[place], method: head.method.rawValue, target: head.bytes[head.targetRange],
            idempotencyKey: IdempotencyKey.of(head)?.text ?? "")
    }
}

extension RequestHead {
    /// Digits alone.
    fileprivate func number(_ place: Range<Int>) -> Int64? {
        guard !place.isEmpty else { return nil }
        var number: Int64 = 0
        for byte in bytes[place] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (shifted, overflowed) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = shifted.addingReportingOverflow(Int64(byte - 0x30))
            guard !overflowed, !overflows else { return nil }
            number = sum
        }
        return number
    }

    /// `v1=` and its digits.
    fileprivate func digest(_ place: Range<Int>) -> Digest? {
        bytes.withUnsafeBytes { bytes in
            let text = UnsafeRawBufferPointer(rebasing: bytes[place])
            guard text.count > 3, text[0] == 0x76, text[1] == 0x31, text[2] == 0x3D else { return nil }
            return Digest(hex: UnsafeRawBufferPointer(rebasing: text[3...]))
        }
    }
}
