/// What people type to open a file that holds secrets. Its key is scrypt with N = 2^17, r = 8, p = 1 (P10): half a
/// second and 128 MiB, so never on a loop or a lane. It says nothing of itself in logs and errors.
package struct Passphrase: Sendable, CustomStringConvertible {
    package static let charactersMin = 12
    package static let saltBytes = 16
    /// As they stand in a file's head.
    package static let costLog2: UInt8 = 17
    package static let blockSize: UInt8 = 8
    package static let parallel: UInt8 = 1

    private let bytes: [UInt8]

    /// Nil where it is shorter than 12 characters or longer than 1,024, or not printable ASCII: what else a header
    /// holds comes out differently from one program to the next. Spaces and tabs around it do not count: a field
    /// loses them on its way.
    package init?(_ text: String) {
        var trimmed = Substring(text)
        while let last = trimmed.last, last == " " || last == "\t" { trimmed.removeLast() }
        while let first = trimmed.first, first == " " || first == "\t" { trimmed.removeFirst() }
        let bytes = Array(trimmed.utf8)
        guard bytes.count >= Self.charactersMin, bytes.count <= Scrypt.passwordBytesMax,
            bytes.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        self.bytes = bytes
    }

    package var description: String { "a passphrase" }

    /// 32 bytes.
    package func key(salt: [UInt8]) throws(CryptographyError) -> [UInt8] {
        let scrypt = Scrypt(
            costLog2: Int(Self.costLog2), blockSize: Int(Self.blockSize), parallel: Int(Self.parallel))
        return try scrypt.derive(bytes, salt: salt, count: AES256GCM.keyBytes)
    }
}
