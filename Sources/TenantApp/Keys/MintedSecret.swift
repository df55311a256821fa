package import Cryptography
package import TenantRegistry

/// A secret made outside the lane: its hash is reserved in the registry before the file hears of it (0004).
package struct MintedSecret: Sendable {
    /// Shown once, stored nowhere.
    package let text: String
    package let hash: Digest
    package let display: KeyDisplay

    package init(shape: KeyShape, book: Book, random: any RandomSource) {
        text = shape.mint(book, random: random)
        hash = SHA256.hash(Array(text.utf8))
        display = KeyDisplay(prefix: APIKeyFormat.displayPrefix(text), suffix: shape.displaySuffix(text))
    }

    package init(prefix: String, book: Book, random: any RandomSource) {
        self.init(shape: .prefixed(prefix), book: book, random: random)
    }
}
