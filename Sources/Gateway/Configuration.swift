package import Archive
package import HTTPClient
package import HTTPCore
package import HTTPServer
import Provider
package import RateLimiter
package import TenantRegistry

/// What `tollgate serve` is told. Everything has a default that suits one machine.
package struct Configuration: Sendable {
    package var listeners: [Listener] = []
    package var dataPath = "./data"
    package var loops = 2
    package var workers = 16
    package var openFilesMax = 1_000
    /// Where tenants' commits become durable (B1).
    package var commits = CommitPlace.files
    /// Where the node's log and its tenants' copies go as objects (B3); nil: nowhere.
    package var archive: NodeArchive.Settings?
    /// The nodes that this one shares its tenants with (N1); nil: it is by itself.
    package var cluster: ClusterOptions?
    /// How long nobody has used a tenant whose small file is packed; 0: none ever is.
    package var restSeconds = 300
    /// The program that looks at files from elsewhere in a process of its own; nil: this process does.
    package var examiner: String?
    package var freeBytesReserve: Int64 = 64 << 20
    /// Nothing is charged where the time of day leaps further ahead, until a person says so; 0: it always is.
    package var clockLeapHoursMax = 25
    /// Only from these is `X-Forwarded-For` the client's address (G6).
    package var trustedProxies: [AddressRange] = []
    /// `{slug}.{baseDomain}` names a tenant.
    package var baseDomain: String?
    /// What links in answers begin with; nil: as the caller addressed us, where that is an address of the node's.
    package var publicURL: String?
    /// All requests of this process together.
    package var processLimit: Policy?
    /// Who may use how much of what others need too.
    package var budgets = BudgetFigures()
    /// One JSON line a request on standard output (G7).
    package var logsRequests = false
    package var certificatePath: String?
    package var privateKeyPath: String?
    package var serverLimits = ServerLimits()
    /// Tenants may have this node call private, loopback and link-local addresses, in plain HTTP too.
    package var allowsPrivateAddresses = false
    /// Asked for the names of webhook endpoints, in place of those in `/etc/resolv.conf`.
    package var nameServers: [NameServer] = []
    /// Certificates (PEM) that receivers of webhooks are trusted by, in place of the machine's.
    package var authoritiesPath: String?
    /// scrypt's cost as a power of two; tests lower it.
    package var scryptCostLog2 = 15
    /// How long the archive may take for what is not in it yet when the gateway ends.
    package var archiveDrainMilliseconds = 3_000
    package var drainMilliseconds = 20_000
    /// How long `/readyz` says 503 while connections are still accepted, so that a balancer looks elsewhere first.
    package var drainNoticeMilliseconds = 1_000
    /// Provider paths and metrics are served on the admin listener and the control socket alone.
    package var separatesAdmin = false

    package init() {}

    var hosts: NodeHosts { NodeHosts(publicURL: publicURL, baseDomain: baseDomain) }
}
