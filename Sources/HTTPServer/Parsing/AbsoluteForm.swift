import Glibc
import HTTPCore

/// Request targets in absolute form (RFC 9112 §3.2.2), as proxies send them: taken where they name the host that `Host`
/// names, and turned into origin form before anyone reads on. So routing, signatures and logs know one form alone.
enum AbsoluteForm {
    /// The authority of `http://authority…` or `https://authority…`; nil for anything else. Userinfo and an empty host
    /// are refused here, as they are in `Host`.
    static func authority(_ head: UnsafePointer<UInt8>, _ target: Range<Int>) -> Range<Int>? {
        let start = head + target.lowerBound
        let scheme: Int
        if target.count > 7, ByteScan.hasPrefix(start, "http://") {
            scheme = 7
        } else if target.count > 8, ByteScan.hasPrefix(start, "https://") {
            scheme = 8
        } else {
            return nil
        }
        let first = target.lowerBound + scheme
        var end = first
        while end < target.upperBound, head[end] != 0x2F, head[end] != 0x3F { end += 1 }
        return HostValue.isValid(head + first, end - first) ? first..<end : nil
    }

    /// Whether both name the same host and port: in any case, with the scheme's port or without it, with a name's last
    /// dot or without it.
    static func isSame(_ head: UnsafePointer<UInt8>, _ authority: Range<Int>, _ host: Range<Int>) -> Bool {
        // The byte before "//" and the colon is the last of the scheme.
        let isTLS = head[authority.lowerBound - 4] | 0x20 == 0x73
        let port = isTLS ? 443 : 80
        let (one, other) = (HostValue.parts(head, authority), HostValue.parts(head, host))
        guard one.port ?? port == other.port ?? port, one.name.count == other.name.count else { return false }
        let (first, second) = (text(head, one.name), text(head, other.name))
        return strncasecmp(first, second, one.name.count) == 0
    }

    private static func text(_ head: UnsafePointer<UInt8>, _ place: Range<Int>) -> UnsafePointer<CChar> {
        UnsafeRawPointer(head + place.lowerBound).assumingMemoryBound(to: CChar.self)
    }
}

extension HeadReader {
    /// The head that is handed on. A target in absolute form is rewritten; an HTTP/1.0 request that names its host
    /// there alone is given the field that later readers look at.
    func finishedHead(_ fields: [RequestHead.Field]) -> RequestHead {
        guard let authority else {
            return RequestHead(
                method: method, bytes: Array(UnsafeBufferPointer(start: head, count: count)), target: target,
                path: path, query: query, fields: fields)
        }
        // The method and the space behind it; the scheme and the authority go, an empty path becomes "/".
        var start = 0
        while head[start] != ByteScan.space { start += 1 }
        start += 1
        var bytes = Array(UnsafeBufferPointer(start: head, count: start))
        if path.isEmpty { bytes.append(0x2F) }
        let shift = bytes.count - authority.upperBound
        let rest = UnsafeBufferPointer(start: head + authority.upperBound, count: count - authority.upperBound)
        bytes.append(contentsOf: rest)
        func moved(_ range: Range<Int>) -> Range<Int> { range.lowerBound + shift..<range.upperBound + shift }
        var fields = fields.map { RequestHead.Field(name: moved($0.name), value: moved($0.value)) }
        if host == nil {
            let name = bytes.count..<bytes.count + 4
            bytes.append("Host: ")
            let value = bytes.count..<bytes.count + authority.count
            bytes.append(contentsOf: UnsafeBufferPointer(start: head + authority.lowerBound, count: authority.count))
            bytes.append("\r\n")
            fields.append(RequestHead.Field(name: name, value: value))
        }
        return RequestHead(
            method: method, bytes: bytes, target: start..<moved(target).upperBound,
            path: start..<moved(path).upperBound, query: query.map(moved), fields: fields)
    }
}
