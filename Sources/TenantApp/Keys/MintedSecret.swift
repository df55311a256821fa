package import Cryptography
package import TenantRegistry

/// A secret made outside the lane: its hash is reserved in the registry before the file hears of it (0004).
package struct MintedSecret: Sendable {
    /// Shown once, stored nowhere.
    package let text: String
    package let hash: Digest
    package let display: KeyDisplay

    /// `domain`: what its hash stands behind, where it is a page's (U4).
    package init(shape: KeyShape, book: Book, behind domain: StaticString? = nil, random: any RandomSource) {
        text = shape.mint(book, random: random)
        hash = domain.map { [text] in SHA256.hash(text.utf8, behind: $0) } ?? SHA256.hash(Array(text.utf8))
        display = KeyDisplay(prefix: APIKeyFormat.displayPrefix(text), suffix: shape.displaySuffix(text))
    }

    package init(prefix: String, book: Book, random: any RandomSource) {
        self.init(shape: .prefixed(prefix), book: book, random: random)
    }
}
