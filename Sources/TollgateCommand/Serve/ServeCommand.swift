import CallKit
import Cluster
import Gateway
import Glibc
import HTTPClient
import HTTPCore
import HTTPServer
import Provider
import Synchronization
import TenantApp

/// `tollgate serve`: starts the gateway, says where it is, and ends it on a signal.
enum ServeCommand {
    static let command = Command(
        "serve", "Run the gateway", options: ServeOptions.all,
        notes: """
            SIGTERM and SIGINT let running requests end, then stop; a second one stops at once. SIGHUP reads certificates again.
            SIGUSR2 lets running requests end, then becomes the program that is at this one's path now: its sockets stay open, and no
            connection is refused. Sockets that systemd hands over (LISTEN_FDS) are served where --listen names them.
            """,
        run: run)

    /// The node ended by itself, and one that is started after it goes on.
    static let comesBack = Atomic<Bool>(false)
    /// Of an end in order.
    static var endCode: Int32 { comesBack.load(ordering: .acquiring) ? ExitCode.again : ExitCode.ok }

    private static func run(_ invocation: Invocation) throws -> Int32 {
        if invocation.has(ServeOptions.check.name) { return try check(invocation) }
        // Before the first thread of anything: the log that nodes share has some of its own as soon as it is named.
        let signals = SignalThread()
        let handed = try HandedSockets.take()
        var configuration = try ServeOptions.configuration(invocation)
        configuration.listeners = try HandedSockets.assign(handed, to: configuration.listeners)
        configuration.examiner = ExaminationProcess.ownProgram
        let descriptors = Descriptors.raise()
        if Descriptors.fit(&configuration, into: descriptors) {
            Output.errorLine(
                "only \(descriptors) open files are allowed (ulimit -n): room for \(configuration.openFilesMax) tenants' "
                    + "files and \(configuration.serverLimits.connectionsMax) connections at once")
        }
        // What SQLite sorts on disk belongs on the disk that is watched; the operator's own choice goes first.
        setenv("SQLITE_TMPDIR", configuration.dataPath + "/tmp", 0)
        let blueprints = try BlueprintFolder.read(invocation.text("--blueprints"))
        if (configuration.cluster?.log as? PostgresLog)?.durability == .single {
            Output.errorLine(ServeOptions.singleWarning)
        }
        let gateway = try Gateway.start(configuration, blueprints: blueprints)
        warn(of: gateway, blueprints)
        signals.serve { reload(gateway) }
        do {
            let demo =
                invocation.has("--demo")
                ? try gateway.provisionDemo(showsPasswords: Terminal.isThere(STDOUT_FILENO)) : nil
            let firstKey = demo == nil && gateway.fleet.providerKeys.isEmpty ? try mintProviderKey(configuration) : nil
            try announce(gateway, firstKey: firstKey, demo: demo)
        } catch {
            gateway.stop()
            throw error
        }
        let successor = waitForEnd(signals)
        let sockets = successor == nil ? [] : gateway.listeningDescriptors()
        gateway.stop(handsOver: successor != nil || !handed.isEmpty)
        // Told to end while the last requests were answered.
        guard let successor, signals.mayGivePlace else { return endCode }
        let reason = HandedSockets.become(successor, with: sockets)
        throw CommandFailure.failed("\(successor) cannot be started: \(reason)")
    }

    /// What a start reads before it opens the data folder, which another gateway may have.
    private static func check(_ invocation: Invocation) throws -> Int32 {
        try Gateway.checkCertificate(try ServeOptions.configuration(invocation))
        let blueprints = try BlueprintFolder.read(invocation.text("--blueprints"))
        let names = blueprints.all.map { $0.name }.joined(separator: ", ")
        try Output.line("a gateway may be started so; blueprints: \(names)")
        return ExitCode.ok
    }

    /// A tenant has the APIs that its blueprint names: where that is gone, none but its operator's.
    private static func warn(of gateway: Gateway, _ blueprints: Blueprints) {
        for name in Set(gateway.fleet.roster.allTenants.map { $0.blueprint }).sorted() where blueprints[name] == nil {
            Output.errorLine("no blueprint “\(name)” is in --blueprints DIR: its tenants have no API for resellers")
        }
    }

    /// The program that this one is to become; nil where it is to end.
    private static func waitForEnd(_ signals: SignalThread) -> String? {
        while signals.waitForWish() == .givePlace {
            guard let program = Succession.program else {
                Output.errorLine("the path of this program is not known; the gateway goes on")
                signals.goOn()
                continue
            }
            do {
                try Output.line("giving place to \(try Succession.version(of: program)) at \(program)")
                return program
            } catch let error as CommandFailure where error.losing("") != nil {
                // Nobody reads the lines any more; that is no reason to stay.
                return program
            } catch {
                Output.errorLine("\(program) cannot take over: \(error); the gateway goes on")
                signals.goOn()
            }
        }
        return nil
    }

    private static func reload(_ gateway: Gateway) {
        do {
            try gateway.reloadCertificates()
        } catch {
            Output.errorLine("the certificates stay as they were: \(error)")
        }
    }

    /// Says where it is, and shows the first provider key. A gateway whose lines nobody reads serves all the same.
    private static func announce(_ gateway: Gateway, firstKey: String?, demo: String?) throws(CommandFailure) {
        do throws(CommandFailure) {
            try sayWhere(gateway)
            if let firstKey { try Output.line("provider key (shown once): \(firstKey)") }
            if let demo { try Output.line(demo) }
        } catch {
            if firstKey != nil {
                let text =
                    "the first provider key is lost: start the gateway where its lines can be read, and issue "
                    + "another with “tollgate provider-key rotate”"
                throw error.losing(text) ?? error
            }
            if case .readerGone = error { return }
            throw error
        }
    }

    private static func sayWhere(_ gateway: Gateway) throws(CommandFailure) {
        let configuration = gateway.configuration
        let scheme = configuration.certificatePath == nil ? "http" : "https"
        var addresses: [String] = []
        for (listener, port) in zip(configuration.listeners, gateway.ports) {
            guard case .tcp(let address, _) = listener.place else { continue }
            let host = address.isIPv4 ? address.description : "[\(address)]"
            addresses.append("\(scheme)://\(host):\(port)")
        }
        let count = gateway.fleet.roster.allTenants.count
        try Output.line(
            "Tollgate \(Version.text) at \(addresses.first ?? "its control socket"), data in \(configuration.dataPath), "
                + "\(count) \(count == 1 ? "tenant" : "tenants")")
        // Programs wait for these lines; everything is ready once they are out.
        for address in addresses { try Output.line("listening on \(address)") }
    }

    /// The first start: without a key nobody could reach the provider's API over the network.
    private static func mintProviderKey(_ configuration: Configuration) throws -> String {
        let client = try HTTPClient(
            baseURL: "http://localhost", unixSocketPath: configuration.dataPath + "/control.sock")
        let answer = try client.send(method: "POST", path: "/provider/v1/provider-key/rotate")
        guard answer.isSuccess, case .string(let key)? = try JSON.parse(answer.body)["provider_key"] else {
            throw CommandFailure.failed("the first provider key was not made: status \(answer.status)")
        }
        return key
    }
}
