import Cluster
import Glibc
import HTTPClient
import TenantRegistry

/// The options of `serve` that make it a node of a cluster (N1).
extension ServeOptions {
    static let cluster = [
        Option("--cluster", "URL", "Share the tenants with other nodes through this PostgreSQL ($TOLLGATE_CLUSTER)"),
        Option("--cluster-file", "FILE", "The same, with the URL in the file's first line, so that no list shows it"),
        Option("--node", "ID", "This node's name in the cluster: a–z, 0–9 and -"),
        Option("--advertise", "HOST:PORT", "Where the other nodes reach this one"),
        Option(
            "--durability", "WHAT",
            "replicated: a commit is on two servers' disks before it is answered; single: one is enough (replicated)"),
        Option("--upgrade-registry", "Change the registry although older nodes run; those then serve nothing"),
    ]

    static let clusterVariable = "TOLLGATE_CLUSTER"

    /// Nil where the node is by itself. Connects to nothing yet.
    static func cluster(_ invocation: Invocation) throws(CommandFailure) -> ClusterOptions? {
        guard let url = try clusterURL(invocation) else {
            for name in ["--node", "--advertise", "--durability", "--upgrade-registry"] where invocation.has(name) {
                throw .usage(
                    "\(name) is for a node of a cluster: name it with --cluster, --cluster-file or \(clusterVariable)")
            }
            return nil
        }
        if invocation.has("--archive") {
            throw .usage(
                "--archive keeps a node's own log, and in a cluster there is none: back up its PostgreSQL instead")
        }
        if invocation.has("--commits") {
            throw .usage("--commits is for a node by itself: in a cluster commits go to the log that the nodes share")
        }
        guard let id = invocation.text("--node") else { throw .usage("a node of a cluster needs its name: --node ID") }
        guard let name = NodeName(id) else {
            throw .usage("--node takes 1 to 40 of a–z, 0–9 and -, beginning with a letter, not “\(id)”")
        }
        let address = try advertised(invocation)
        let durability = try durability(invocation)
        do throws(SharedLogError) {
            let log = try PostgresLog(url, node: name, durability: durability)
            var options = ClusterOptions(log: log, name: name, address: address)
            options.upgradesRegistry = invocation.has("--upgrade-registry")
            options.waits = { [place = log.place] seconds in
                Output.errorLine("waiting for the cluster's PostgreSQL at \(place) (\(seconds) s)")
            }
            // As a person would end it: what is on its way has its time.
            options.expelled = { _, comesBack in
                if comesBack { ServeCommand.comesBack.store(true, ordering: .releasing) }
                kill(getpid(), SIGTERM)
            }
            return options
        } catch { throw .failed("\(error)") }
    }

    /// What is to be said at the start, where less is promised than a cluster is for.
    static let singleWarning =
        "--durability single: commits are on one PostgreSQL server alone; whoever loses its disk loses them"

    private static func clusterURL(_ invocation: Invocation) throws(CommandFailure) -> String? {
        switch (invocation.text("--cluster"), invocation.text("--cluster-file")) {
        case (_?, _?): throw .usage("--cluster and --cluster-file exclude each other")
        case (let url?, nil): return url
        case (nil, let path?): return try PasswordFile.read(path)
        case (nil, nil): return invocation.environment[clusterVariable].flatMap { $0.isEmpty ? nil : $0 }
        }
    }

    private static func advertised(_ invocation: Invocation) throws(CommandFailure) -> String {
        guard let text = invocation.text("--advertise") else {
            throw .usage("a node of a cluster says where the others reach it: --advertise HOST:PORT")
        }
        let unspecified = ["0.0.0.0", "::", "*"]
        guard let place = PeerAddress(text), !unspecified.contains(place.host), !text.contains("/") else {
            throw .usage("--advertise takes a HOST:PORT that other nodes can connect to, not “\(text)”")
        }
        return invocation.has("--tls-cert") ? "https://\(text)" : text
    }

    private static func durability(_ invocation: Invocation) throws(CommandFailure) -> ClusterDurability {
        guard let text = invocation.text("--durability") else { return .replicated }
        guard let durability = ClusterDurability(rawValue: text) else {
            throw .usage("--durability takes replicated or single, not “\(text)”")
        }
        return durability
    }
}
