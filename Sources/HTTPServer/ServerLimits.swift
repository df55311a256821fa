package import HTTPCore

/// Every bound of the HTTP engine (G6). A value; read by all loops.
///
/// Sizes are bytes, times are milliseconds; each must be over zero.
package struct ServerLimits: Sendable {
    /// Request line and fields together; past it 431.
    package var headBytesMax = 16 * 1024
    /// The request target; past it 414.
    package var targetBytesMax = 8 * 1024
    /// Fields of one head; past it 431.
    package var headFieldsMax = 100
    /// Fields that carry credentials: a second one of a name is 400.
    package var singleFields = SingleFields(["authorization"])

    /// From a head's first byte to its last, however slowly it drips.
    package var headMilliseconds = 10_000
    /// Between two pieces of a body.
    package var bodyPauseMilliseconds = 15_000
    /// A body must arrive at this pace on average, once `bodyPauseMilliseconds` have passed.
    package var bodyBytesPerSecondMin = 2048
    /// An answer of which the client takes nothing for so long is given up.
    package var writeStallMilliseconds = 30_000
    /// What waits of an answer must be taken at this pace on average, once `writeStallMilliseconds` have passed.
    package var answerBytesPerSecondMin = 1024
    /// A connection without a request, before its first one too.
    package var keepAliveMilliseconds = 75_000
    package var tlsHandshakeMilliseconds = 10_000
    /// After an answer that closes: how long, and how much, is still read and thrown away so that the client gets to
    /// see the answer rather than a reset.
    package var lingerMilliseconds = 5_000
    package var lingerBytesMax = 8 * 1024 * 1024

    /// Open connections of this process; past it 503 and close.
    package var connectionsMax = 10_000
    /// Beyond those, a few: half for newcomers whose places somebody idle is about to leave, the rest for health alone.
    var connectionsBeyondMax: Int { max(8, min(128, connectionsMax / 8)) }
    /// Of the admin listener and of the control socket, each.
    package var connectionsOfOperatorsMax = 256
    /// Their connections are everybody's.
    package var proxies: [AddressRange] = []
    /// Whether the handler is told what an encrypted connection's two ends have in common.
    package var bindsPeers = false
    /// Paths that are answered where nothing else is, to whoever looks after the node.
    package var healthPaths: Set<String> = []
    /// Open connections of one address, IPv6 by /64. Loopback and trusted proxies may use `connectionsMax`: a proxy in
    /// front comes from there.
    package var connectionsPerAddressMax = 512

    /// Bodies of answers from here …
    package var gzipBytesMin = 1024
    /// … to here are compressed on the loop; larger ones would hold it up.
    package var gzipBytesMax = 256 * 1024

    package init() {}

    /// How often deadlines are looked at: a quarter of the shortest, so that none is overrun by more than that.
    var sweepMilliseconds: Int {
        let shortest = min(
            min(headMilliseconds, bodyPauseMilliseconds, writeStallMilliseconds),
            min(keepAliveMilliseconds, tlsHandshakeMilliseconds, lingerMilliseconds))
        return max(5, min(500, shortest / 4))
    }
}
