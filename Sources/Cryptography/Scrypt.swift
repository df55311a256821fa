import COpenSSL
import Foundation

/// Password hashes by scrypt (RFC 7914), written `$scrypt$ln=15,r=8,p=1$salt$hash` with unpadded base64.
/// Takes tens of milliseconds and 32 MiB by default: call it on the bounded pool, never on a loop or a lane.
package struct Scrypt: Sendable {
    package static let saltBytes = 16
    package static let hashBytes = 32
    /// Bounds on what is read back, so that a planted hash cannot take the machine's memory or time.
    package static let memoryBytesMax = 128 << 20
    package static let parallelMax = 16
    package static let blockSizeMax = 32
    package static let passwordBytesMax = 1024

    package let costLog2: Int
    package let blockSize: Int
    package let parallel: Int

    package init(costLog2: Int = 15, blockSize: Int = 8, parallel: Int = 1) {
        self.costLog2 = costLog2
        self.blockSize = blockSize
        self.parallel = parallel
    }

    /// Throws on parameters out of bounds and on a password of over 1,024 bytes. Passwords that Unicode holds for the
    /// same text hash alike (NFC).
    package func hash(_ password: String, random: any RandomSource) throws(CryptographyError) -> String {
        try hash(password, salt: random.bytes(Self.saltBytes))
    }

    /// The same with a salt of the caller's.
    package func hash(_ password: String, salt: [UInt8]) throws(CryptographyError) -> String {
        let derived = try derive(Self.normalised(password), salt: salt, count: Self.hashBytes)
        return "$scrypt$ln=\(costLog2),r=\(blockSize),p=\(parallel)"
            + "$\(Base64.encodeUnpadded(salt))$\(Base64.encodeUnpadded(derived))"
    }

    /// False where the password differs and where `against` cannot be read or is out of bounds.
    package static func verify(_ password: String, against stored: String) -> Bool {
        guard let parts = parts(of: stored), let scrypt = Scrypt(parameters: parts[2]),
            let salt = Base64.decodeUnpadded(String(parts[3])), (8...64).contains(salt.count),
            let expected = Base64.decodeUnpadded(String(parts[4])), (16...64).contains(expected.count),
            let derived = try? scrypt.derive(normalised(password), salt: salt, count: expected.count)
        else { return false }
        return constantTimeEqual(derived, expected)
    }

    /// The salt that a hash was made with; nil where it cannot be read.
    package static func salt(of stored: String) -> [UInt8]? {
        parts(of: stored).flatMap { Base64.decodeUnpadded(String($0[3])) }
    }

    /// Nothing, `scrypt`, parameters, salt and hash.
    private static func parts(of stored: String) -> [Substring]? {
        let parts = stored.split(separator: "$", omittingEmptySubsequences: false)
        return parts.count == 5 && parts[0].isEmpty && parts[1] == "scrypt" ? parts : nil
    }

    /// `ln=15,r=8,p=1`, in this order.
    private init?(parameters: Substring) {
        var values: [Int] = []
        for (part, name) in zip(
            parameters.split(separator: ",", omittingEmptySubsequences: false), ["ln=", "r=", "p="])
        {
            guard part.hasPrefix(name), let value = UInt16(part.dropFirst(name.count)) else { return nil }
            values.append(Int(value))
        }
        guard values.count == 3, parameters.count(where: { $0 == "," }) == 2 else { return nil }
        self.init(costLog2: values[0], blockSize: values[1], parallel: values[2])
    }

    static func normalised(_ password: String) -> [UInt8] {
        if password.utf8.allSatisfy({ $0 < 0x80 }) { return [UInt8](password.utf8) }
        return [UInt8](password.precomposedStringWithCanonicalMapping.utf8)
    }

    func derive(_ password: [UInt8], salt: [UInt8], count: Int) throws(CryptographyError) -> [UInt8] {
        guard (1...24).contains(costLog2), (1...Self.blockSizeMax).contains(blockSize),
            (1...Self.parallelMax).contains(parallel),
            128 * blockSize << costLog2 <= Self.memoryBytesMax, password.count <= Self.passwordBytesMax
        else { throw CryptographyError(operation: "scrypt", reason: "out of bounds") }
        var derived = [UInt8](repeating: 0, count: count)
        let status = password.withInput { password, passwordCount in
            salt.withInput { salt, saltCount in
                password.withMemoryRebound(to: CChar.self, capacity: passwordCount) {
                    EVP_PBE_scrypt(
                        $0, passwordCount, salt, saltCount, 1 << UInt64(costLog2), UInt64(blockSize), UInt64(parallel),
                        UInt64(2 * Self.memoryBytesMax), &derived, count)
                }
            }
        }
        guard status == 1 else { throw CryptographyError.last("scrypt") }
        return derived
    }
}
