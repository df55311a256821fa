/// An IPv4 or IPv6 address; IPv4 is kept in its mapped form (`::ffff:a.b.c.d`), so that one comparison serves both.
package struct IPAddress: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static let loopback = IPAddress(high: 0, low: 0xFFFF_7F00_0001)
}
