/// The value of `Host`: `name`, `1.2.3.4` or `[v6]`, with a port or without (RFC 9110 §7.2), stricter than the RFC: no
/// userinfo, no percent-encoding, no empty name or port, so that it can be compared with tenants' domains as it is.
enum HostValue {
    static let bytesMax = 255

    static func isValid(_ value: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard count > 0, count <= bytesMax else { return false }
        var at = 0
        if value[0] == 0x5B {
            at = 1
            while at < count, ByteScan.hexValue(value[at]) != nil || value[at] == 0x3A || value[at] == 0x2E { at += 1 }
            guard at > 2, at < count, value[at] == 0x5D else { return false }
            at += 1
        } else {
            while at < count, ByteScan.isHostByte(value[at]) { at += 1 }
            guard at > 0 else { return false }
        }
        return at == count || isPort(value + at, count - at)
    }

    private static func isPort(_ value: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard value[0] == 0x3A, count > 1, count <= 6 else { return false }
        for at in 1..<count where !ByteScan.isDigit(value[at]) { return false }
        return true
    }
}
