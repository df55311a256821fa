import Archive
import Cryptography
import Foundation
import Gateway
import HTTPClient
import HTTPCore
import HTTPServer
import RateLimiter
import TenantRegistry

/// The options of `serve`, and the configuration that they make.
enum ServeOptions {
    static let portDefault = 8080
    private static let loopsMax = 64
    private static let workersMax = 256
    private static let openFilesMax = 100_000
    private static let restSecondsMax = 86_400
    private static let clockLeapHoursMax = 87_600
    private static let drainSecondsMax = 3_600
    private static let deadlineSecondsMax = 3_600
    private static let connectionsMax = 1_000_000
    private static let freeReserveMiBMax = 1 << 20

    static let all = node + cluster + [check]
    static let check = Option(
        "--check", "Only try what these options say: the files that they name, the blueprints, the certificate")

    private static let node = [
        Option("--port", "N", "Listen on 127.0.0.1:N (\(portDefault); 0 takes a free one)"),
        Option("--listen", "ADDR:PORT", "Listen there instead", repeats: true),
        Option("--admin-listen", "ADDR:PORT", "Serve provider paths and metrics there alone"),
        Option("--data", "DIR", "The data folder (./data)"),
        Option("--blueprints", "DIR", "Blueprints of tenants (./tenants, or those that came with the program)"),
        Option("--demo", "Provision a demo tenant per blueprint on the first start"),
        Option("--base-domain", "NAME", "SLUG.NAME is a tenant's host name"),
        Option("--public-url", "URL", "What links in answers begin with; its host is no tenant's"),
        Option("--trusted-proxy", "CIDR", "Believe X-Forwarded-For from there", repeats: true),
        Option(
            "--allow-private-addresses", "Let tenants' services be at private and loopback addresses, over http too"),
        Option(
            "--name-server", "ADDRESS", "Ask this server (ADDRESS[:PORT]) for the names of webhook endpoints",
            repeats: true),
        Option("--ca-file", "FILE", "Trust receivers of webhooks by these certificates (PEM) alone"),
        Option("--process-limit", "R/W[/B]", "All requests together: R in W seconds, B at once"),
        Option(
            "--budget", "NAME=N", "Another figure for one of the budgets in docs/internals/budgets.md", repeats: true),
        Option("--tls-cert", "FILE", "Certificate chain (PEM); SIGHUP reads it again"),
        Option("--tls-key", "FILE", "Its private key (PEM)"),
        Option("--loops", "N", "Event loops (2)"),
        Option("--workers", "N", "Threads for tenants' files (16)"),
        Option("--archive", "PLACE", "Keep the node's log and copies in DIR or s3://BUCKET/PREFIX (as --commits log)"),
        ArchivePlaces.credentialsOption,
        Option(
            "--archive-passphrase-file", "FILE",
            "Keep the master key there too, under the passphrase in the first line"),
        Option("--archive-days", "D", "Keep so many days there; older data is removed each night (all)"),
        Option("--archive-backlog", "MIB", "How much of the log may wait while the archive is away (4096)"),
        Option(
            "--commits", "WHERE",
            "Where tenants' commits become durable: files (each its own WAL) or log (files; with --archive log)"),
        Option("--open-files", "N", "Tenants' files open at once (1000)"),
        Option("--rest-seconds", "N", "Pack a small tenant's file that nobody has used for so long; 0: never (300)"),
        Option("--connections", "N", "Connections open at once (10000)"),
        Option("--connections-per-address", "N", "The same of one address, IPv6 by /64; loopback is exempt (512)"),
        Option("--head-seconds", "N", "How long a TLS handshake, and a request's head, may take (10)"),
        Option("--body-seconds", "N", "How long a body may pause, and be behind 2 KiB/s (15)"),
        Option("--answer-seconds", "N", "How long a client may take nothing of an answer, or be behind 1 KiB/s (30)"),
        Option("--idle-seconds", "N", "How long a connection may be without a request (75)"),
        Option("--clock-leap", "HOURS", "Charge nothing once the clock leaps further ahead; 0: charge always (25)"),
        Option("--free-reserve", "MIB", "Refuse writes while the disk has less free (64)"),
        Option("--log-requests", "One JSON line a request on standard output"),
        Option("--drain-seconds", "N", "How long running requests may take at the end (20)"),
    ]

    static func configuration(_ invocation: Invocation) throws -> Configuration {
        var configuration = Configuration()
        configuration.listeners = try listeners(invocation)
        configuration.separatesAdmin = invocation.has("--admin-listen")
        if let path = invocation.text("--data") { configuration.dataPath = path }
        configuration.baseDomain = try baseDomain(invocation)
        configuration.publicURL = try publicURL(invocation)
        configuration.trustedProxies = try invocation.texts("--trusted-proxy").map { text throws(CommandFailure) in
            guard let range = AddressRange(parsing: text) else {
                throw .usage("--trusted-proxy takes an address or a block, say 10.0.0.0/8, not “\(text)”")
            }
            return range
        }
        if let text = invocation.text("--process-limit") {
            configuration.processLimit = try Invocation.policy(text, of: "--process-limit")
        }
        guard invocation.has("--tls-cert") == invocation.has("--tls-key") else {
            throw CommandFailure.usage("--tls-cert and --tls-key come together")
        }
        configuration.certificatePath = invocation.text("--tls-cert")
        configuration.privateKeyPath = invocation.text("--tls-key")
        configuration.logsRequests = invocation.has("--log-requests")
        configuration.allowsPrivateAddresses = invocation.has("--allow-private-addresses")
        try setNameServers(invocation, &configuration)
        configuration.authoritiesPath = invocation.text("--ca-file")
        if let path = configuration.authoritiesPath { try AuthoritiesFile.judge(path, "--ca-file") }
        configuration.cluster = try cluster(invocation)
        configuration.archive = try archive(invocation)
        if let loops = try invocation.integer("--loops", in: 1...loopsMax) { configuration.loops = loops }
        if let workers = try invocation.integer("--workers", in: 1...workersMax) { configuration.workers = workers }
        if let files = try invocation.integer("--open-files", in: 1...openFilesMax) {
            configuration.openFilesMax = files
        }
        configuration.commits = try commits(invocation)
        if let seconds = try invocation.integer("--rest-seconds", in: 0...restSecondsMax) {
            configuration.restSeconds = seconds
        }
        if let reserve = try invocation.integer("--free-reserve", in: 0...freeReserveMiBMax) {
            configuration.freeBytesReserve = Int64(reserve) << 20
        }
        if let hours = try invocation.integer("--clock-leap", in: 0...clockLeapHoursMax) {
            configuration.clockLeapHoursMax = hours
        }
        if let seconds = try invocation.integer("--drain-seconds", in: 0...drainSecondsMax) {
            configuration.drainMilliseconds = seconds * 1_000
        }
        try setBounds(invocation, &configuration.serverLimits)
        for text in invocation.texts("--budget") { try setBudget(text, &configuration.budgets) }
        return configuration
    }

    private static func commits(_ invocation: Invocation) throws(CommandFailure) -> CommitPlace {
        // An archive is of the node's log.
        guard let text = invocation.text("--commits") else { return invocation.has("--archive") ? .log : .files }
        guard let place = CommitPlace(rawValue: text) else {
            throw .usage("--commits takes files or log, not “\(text)”")
        }
        return place
    }

    private static let backlogMiBMax = 1 << 20
    private static let daysKeptMax = 36_500

    private static func archive(_ invocation: Invocation) throws -> NodeArchive.Settings? {
        guard let text = invocation.text("--archive") else {
            if invocation.has("--archive-days") {
                throw CommandFailure.usage("--archive-days is for an archive: name its place with --archive")
            }
            return nil
        }
        var passphrase: Passphrase?
        if let path = invocation.text("--archive-passphrase-file") {
            guard let known = Passphrase(try PasswordFile.read(path)) else {
                throw CommandFailure.usage("the passphrase in \(path) has fewer than 12 characters")
            }
            passphrase = known
        }
        guard try commits(invocation) == .log else {
            throw CommandFailure.usage("--archive follows the node's log: it needs --commits log, not files")
        }
        let address = try ArchivePlaces.address(text)
        let data = invocation.text("--data") ?? Configuration().dataPath
        if case .folder(let path) = address, ArchivePlaces.isFolder(path, in: data) {
            throw CommandFailure.usage("--archive is in the data folder, and would be lost with it: name another place")
        }
        let credentials = invocation.text("--archive-credentials")
        // What is wrong with it is said before anything is opened.
        do { _ = try address.store(environment: invocation.environment, credentials: credentials) } catch {
            throw CommandFailure.usage("\(error)")
        }
        var settings = NodeArchive.Settings(
            address, environment: invocation.environment, credentialsPath: credentials, passphrase: passphrase)
        if let bound = try invocation.integer("--archive-backlog", in: 1...backlogMiBMax) {
            settings.backlogBytesMax = UInt64(bound) << 20
        }
        settings.daysKept = try invocation.integer("--archive-days", in: 1...daysKeptMax).map { Int64($0) }
        return settings
    }

    private static func setNameServers(
        _ invocation: Invocation, _ configuration: inout Configuration
    ) throws(CommandFailure) {
        for text in invocation.texts("--name-server") {
            guard let server = NameServer(parsing: text) else {
                throw .usage("--name-server takes an address, with or without a port, not “\(text)”")
            }
            configuration.nameServers.append(server)
        }
    }

    private static func setBudget(_ text: String, _ figures: inout BudgetFigures) throws(CommandFailure) {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let figure = Int(parts[1]), (1...BudgetFigures.figureMax).contains(figure) else {
            throw .usage("--budget takes NAME=N, N from 1 to \(BudgetFigures.figureMax), not “\(text)”")
        }
        guard let budget = Budget(rawValue: String(parts[0])) else {
            let names = Budget.allCases.map(\.rawValue).joined(separator: ", ")
            throw .usage("--budget knows no “\(parts[0])”; there are \(names)")
        }
        figures[budget] = figure
    }

    private static func setBounds(_ invocation: Invocation, _ limits: inout ServerLimits) throws(CommandFailure) {
        func set(_ name: String, _ range: ClosedRange<Int>, _ bound: inout Int, unit: Int) throws(CommandFailure) {
            if let value = try invocation.integer(name, in: range) { bound = value * unit }
        }
        try set("--connections", 1...connectionsMax, &limits.connectionsMax, unit: 1)
        try set("--connections-per-address", 1...connectionsMax, &limits.connectionsPerAddressMax, unit: 1)
        let seconds = 1...deadlineSecondsMax
        try set("--head-seconds", seconds, &limits.headMilliseconds, unit: 1_000)
        try set("--head-seconds", seconds, &limits.tlsHandshakeMilliseconds, unit: 1_000)
        try set("--body-seconds", seconds, &limits.bodyPauseMilliseconds, unit: 1_000)
        try set("--answer-seconds", seconds, &limits.writeStallMilliseconds, unit: 1_000)
        try set("--idle-seconds", seconds, &limits.keepAliveMilliseconds, unit: 1_000)
    }

    private static func listeners(_ invocation: Invocation) throws(CommandFailure) -> [Listener] {
        var listeners: [Listener] = []
        for text in invocation.texts("--listen") { listeners.append(try listener(text, of: "--listen", .everyone)) }
        let port = try invocation.integer("--port", in: 0...65_535)
        if port != nil || listeners.isEmpty {
            listeners.insert(Listener(.tcp(.loopback, port: UInt16(port ?? portDefault))), at: 0)
        }
        if let text = invocation.text("--admin-listen") {
            listeners.append(try listener(text, of: "--admin-listen", .admin))
        }
        return listeners
    }

    /// `127.0.0.1:8080` or `[::1]:8080`.
    private static func listener(
        _ text: String, of name: String, _ role: ListenerRole
    ) throws(CommandFailure) -> Listener {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw .usage("\(name) takes ADDRESS:PORT, say 127.0.0.1:8080 or [::]:8080, not “\(text)”")
        }
        var host = String(text[..<colon])
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = String(host.dropFirst().dropLast()) }
        guard let address = IPAddress(parsing: host), isBracketed == host.contains(":") else {
            throw .usage("\(name) takes an address in numbers, IPv6 in brackets, not “\(host)”")
        }
        return Listener(.tcp(address, port: port), role: role)
    }

    private static func baseDomain(_ invocation: Invocation) throws(CommandFailure) -> String? {
        guard let given = invocation.text("--base-domain") else { return nil }
        let name = HostName.folded(given)
        guard HostName.isDomain(name) || HostName.isSingle(name), !given.contains("/") else {
            throw .usage("--base-domain takes a host name in ASCII, say shops.example, not “\(given)”")
        }
        return name
    }

    private static func publicURL(_ invocation: Invocation) throws(CommandFailure) -> String? {
        guard let url = invocation.text("--public-url") else { return nil }
        guard ["http://", "https://"].contains(where: { url.hasPrefix($0) }), HostName.ofURL(url)?.isEmpty == false
        else { throw .usage("--public-url takes http://… or https://…, not “\(url)”") }
        // Every link goes on behind it: a query or a fragment would swallow that, and a password would stand in all.
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }), !url.contains(where: { "@?#\\".contains($0) }) else {
            throw .usage("--public-url takes an address without a user, query, fragment, backslash or white space")
        }
        // Clients call it as xn--…: in other letters the node would not know its own name.
        guard url.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw .usage("--public-url takes an address in ASCII, with other letters as xn--… or escaped, not “\(url)”")
        }
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }
}
