package import Cryptography
import HTTPCore

/// Passwords are hashed in NFC, so that every keyboard writes the same one. Those of before were hashed as they came:
/// they are tried so too, once. Long: scrypt.
package enum Password {
    package static func hash(
        _ sent: String, by scrypt: Scrypt, random: any RandomSource
    ) throws(CryptographyError) -> String {
        try scrypt.hash(sent.composed, random: random)
    }

    /// With a salt that is known again, where a form that is sent twice must have one hash.
    package static func hash(
        _ sent: String, by scrypt: Scrypt, salt: PasswordSalt
    ) throws(CryptographyError) -> String {
        try scrypt.hash(sent.composed, salt: salt.bytes)
    }

    package static func opens(_ sent: String, _ hash: String) -> Bool {
        let composed = sent.composed
        if Scrypt.verify(composed, against: hash) { return true }
        // The library's `==` takes both spellings for one.
        return !composed.utf8.elementsEqual(sent.utf8) && Scrypt.verify(sent, against: hash)
    }
}
