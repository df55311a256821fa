import Gateway
import Glibc

/// Descriptors: as many as the system lets us have, shared out between connections and tenants' files.
enum Descriptors {
    /// The gateway's own: loops, registry, logs, control socket, deliveries.
    private static let reserve = 128
    /// A tenant's database and its log.
    private static let descriptorsPerFile = 2
    /// More than any configuration can use; without it a limit of a billion makes some libraries slow.
    private static let wantedMax: rlim_t = 1 << 20

    /// Raises the soft limit to the hard one. Returns what holds then.
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return reserve * 2 }
        let wanted = min(limit.rlim_max, wantedMax)
        if limit.rlim_cur < wanted {
            var raised = limit
            raised.rlim_cur = wanted
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(min(limit.rlim_cur, wantedMax))
    }

    /// Makes the configuration fit into so many descriptors; says whether anything had to give.
    static func fit(_ configuration: inout Configuration, into count: Int) -> Bool {
        let files = configuration.openFilesMax * descriptorsPerFile
        let connections = configuration.serverLimits.connectionsMax
        let room = max(count - reserve, reserve)
        guard files + connections > room else { return false }
        configuration.openFilesMax = min(configuration.openFilesMax, max(room / 2 / descriptorsPerFile, 1))
        let rest = room - configuration.openFilesMax * descriptorsPerFile
        configuration.serverLimits.connectionsMax = min(connections, max(rest, 1))
        return true
    }
}
