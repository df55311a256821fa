import Cryptography

/// Each text has one value and each value one text: two texts for the same secret would be two secrets to a comparison.
enum SecretProperties {
    static func check(_ input: [UInt8]) throws(Violation) {
        let text = String(decoding: input, as: UTF8.self)
        if let bytes = WebhookSecret.decode(text) {
            try demand(WebhookSecret.acceptedBytes.contains(bytes.count), "a secret of a length that is not taken")
            try demand(same(WebhookSecret.prefix + Base64.encode(bytes), text), "a secret has two texts")
        }
        if let bytes = Base64.decode(text) { try demand(same(Base64.encode(bytes), text), "base64 has two texts") }
        if let bytes = Base64.decodeUnpadded(text) {
            try demand(same(Base64.encodeUnpadded(bytes), text), "base64 without padding has two texts")
        }
        if let bytes = Base64.decodeURL(text) {
            try demand(same(Base64.encodeURL(bytes), text), "base64url has two texts")
        }
        if let bytes = Hex.decode(text) { try demand(same(Hex.encode(bytes), text.lowercased()), "hex has two values") }
        if let value = Base62.decode(text) {
            try demand(same(Base62.encode(value, width: text.utf8.count), text), "base62 has two values")
        }
        try demand(Base64.decode(Base64.encode(input)) == input, "bytes are not what they were")
        try demand(Base64.decodeURL(Base64.encodeURL(input)) == input, "bytes are not what they were")
        try demand(Hex.decode(Hex.encode(input)) == input, "bytes are not what they were")
    }

    private static func same(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
}
