import TestSeeds

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
    /// Forms that have a file.
    case multipart
    /// A form's fields, as the JSON that they stand for.
    case form
    /// The shape of API keys.
    case key
    /// `whsec_…` and the encodings below it.
    case secret
    /// Exports, and what was made of them.
    case pages
    /// What a name server answers.
    case names
    /// A tenant's logo.
    case logo

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
        case .multipart: try MultipartProperties.check(input)
        case .form: try FormProperties.check(input)
        case .key: try KeyProperties.check(input)
        case .secret: try SecretProperties.check(input)
        case .pages: try PagesProperties.check(input)
        case .names: try NamesProperties.check(input)
        case .logo: try LogoProperties.check(input)
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

extension Seeded {
    /// Sizes of pieces and the like, the same for the same input: FNV-1a of it.
    init(_ input: [UInt8]) {
        self.init(state: input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }
}
