/// Where bytes of strangers are read. Each target takes any bytes, must not trap, and checks what must hold of every
/// input. The same code runs under libFuzzer (`./fuzz`) and, seeded and bounded, under `swift test` (FuzzTests).
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// Heads and bodies: RequestParser with HeadReader and chunks.
    case head
    case json
    /// FieldReader over whatever JSON there is.
    case fields
    case money
    case csv
    /// X-Tollgate-Signature, X-Tollgate-Timestamp, Idempotency-Key.
    case signature
    case query
    /// The shape of API keys.
    case key
    /// `whsec_…` and the encodings below it.
    case secret

    /// Throws where a property does not hold.
    package func check(_ input: [UInt8]) throws(Violation) {
        switch self {
        case .head: try HeadProperties.check(input)
        case .json: try JSONProperties.check(input)
        case .fields: try FieldProperties.check(input)
        case .money: try MoneyProperties.check(input)
        case .csv: try CSVProperties.check(input)
        case .signature: try SignatureProperties.check(input)
        case .query: try QueryProperties.check(input)
        case .key: try KeyProperties.check(input)
        case .secret: try SecretProperties.check(input)
        }
    }
}

/// A property that an input broke.
package struct Violation: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

func demand(_ holds: Bool, _ property: @autoclosure () -> String) throws(Violation) {
    if !holds { throw Violation(property()) }
}

/// SplitMix64: sizes of pieces and the like, the same for the same input.
package struct Draw: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// FNV-1a of the input.
    init(_ input: [UInt8]) { state = input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// 0 to `bound` − 1.
    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
