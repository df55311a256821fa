import HTTPCore

/// An Idempotency-Key, quoted (RFC 8941 string) or bare.
package func bareIdempotencyKey(_ text: String) -> String {
    text.count >= 2 && text.first == "\"" && text.last == "\"" ? String(text.dropFirst().dropLast()) : text
}

/// Whether a bare key may be used (G4): 1 to 255 printable ASCII characters without spaces and quotes.
package func isIdempotencyKey(_ bare: String) -> Bool {
    !bare.isEmpty && bare.utf8.count <= Route.idempotencyKeyCharactersMax
        && bare.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 }
}
