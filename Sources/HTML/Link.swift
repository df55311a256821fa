/// An address that a page may show, load or be sent to: for `href`, `src`, `action` and their kind, which take no text.
/// A value: any thread.
package struct Link: Sendable, Equatable {
    /// Not escaped: for a policy header as well.
    package let text: String

    /// A path of ours: `/` and what follows, visible ASCII without quotes, angle brackets and what separates a policy's
    /// parts. Nil for all others, `//host` among them.
    package init?(path text: String) {
        guard text.hasPrefix("/"), !text.hasPrefix("//"),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !Self.refused.contains($0) && $0 != 0x3B && $0 != 0x2C })
        else { return nil }
        self.text = text
    }

    private static let refused = Array("\"'<>\\`".utf8)
}
