/// `chunk-ext = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112 §7.1.1). What does not
/// match is refused: a reader that ends an open quote elsewhere would find another end of the line.
enum ChunkExtensions {
    static func areValid(_ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var at = 0
        while at < count {
            at = afterBlanks(text, at, count)
            guard at < count, text[at] == 0x3B else { return false }
            at = afterBlanks(text, at + 1, count)
            guard let name = afterToken(text, at, count) else { return false }
            at = name
            let equals = afterBlanks(text, at, count)
            guard equals < count, text[equals] == 0x3D else { continue }
            at = afterBlanks(text, equals + 1, count)
            guard at < count else { return false }
            guard let value = text[at] == 0x22 ? afterQuoted(text, at, count) : afterToken(text, at, count) else {
                return false
            }
            at = value
        }
        return true
    }

    private static func afterBlanks(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
        var at = start
        while at < count, text[at] == ByteScan.space || text[at] == ByteScan.tab { at += 1 }
        return at
    }

    private static func afterToken(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int? {
        var at = start
        while at < count, ByteScan.isToken(text[at]) { at += 1 }
        return at > start ? at : nil
    }

    /// RFC 9110 §5.6.4; `start` is at the opening quote.
    private static func afterQuoted(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int? {
        var at = start + 1
        while at < count {
            switch text[at] {
            case 0x22: return at + 1
            case 0x5C:
                at += 1
                guard at < count, isText(text[at]) else { return nil }
            case let byte: guard isText(byte) else { return nil }
            }
            at += 1
        }
        return nil
    }

    private static func isText(_ byte: UInt8) -> Bool {
        byte == ByteScan.tab || byte >= ByteScan.space && byte != 0x7F
    }
}
