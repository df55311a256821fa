import HTTPCore

/// The value of `Host`: `name`, `1.2.3.4` or `[v6]`, with a port or without (RFC 9110 §7.2), stricter than the RFC: no
/// userinfo, no percent-encoding, no future address form, no empty name or port, no port that nobody can have connected
/// to. So it can be compared with tenants' domains as it is.
enum HostValue {
    static let bytesMax = 255

    static func isValid(_ value: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard count > 0, count <= bytesMax else { return false }
        var at = 0
        if value[0] == 0x5B {
            at = 1
            while at < count, ByteScan.hexValue(value[at]) != nil || value[at] == 0x3A || value[at] == 0x2E { at += 1 }
            guard at > 2, at < count, value[at] == 0x5D, isIPv6(value + 1, at - 1) else { return false }
            at += 1
        } else {
            while at < count, ByteScan.isHostByte(value[at]) { at += 1 }
            guard at > 0 else { return false }
        }
        return at == count || isPort(value + at, count - at)
    }

    /// Name and port of a valid value; a name's last dot is no part of it.
    static func parts(_ head: UnsafePointer<UInt8>, _ place: Range<Int>) -> (name: Range<Int>, port: Int?) {
        var end = place.upperBound
        while end > place.lowerBound, ByteScan.isDigit(head[end - 1]) { end -= 1 }
        var port: Int?
        if end > place.lowerBound + 1, head[end - 1] == 0x3A, end < place.upperBound {
            port = number(head + end, place.upperBound - end)
            end -= 1
        } else {
            end = place.upperBound
        }
        if end > place.lowerBound + 1, head[end - 1] == 0x2E { end -= 1 }
        return (place.lowerBound..<end, port)
    }

    private static func isIPv6(_ value: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let text = String(decoding: UnsafeBufferPointer(start: value, count: count), as: UTF8.self)
        return text.utf8.contains(0x3A) && IPAddress(parsing: text) != nil
    }

    private static func isPort(_ value: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard value[0] == 0x3A, count > 1, count <= 6 else { return false }
        for at in 1..<count where !ByteScan.isDigit(value[at]) { return false }
        return 1...65_535 ~= number(value + 1, count - 1)
    }

    /// At most five digits.
    private static func number(_ digits: UnsafePointer<UInt8>, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 * 10 + Int(digits[$1] &- 0x30) }
    }
}
