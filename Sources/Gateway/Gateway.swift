package import Archive
package import CallKit
import Cryptography
import Dispatch
import HTTPClient
package import HTTPCore
import HTTPServer
import Provider
import RateLimiter
import Synchronization
package import TenantApp
package import TenantRegistry

/// The running gateway: fleet, pipeline, server, clock.
///
/// Order of a start: lock the folder, open the registry, take the limiter's levels back, serve. Order of a stop:
/// `/readyz` says 503, drain, save the levels, write what memory holds, close every file.
package final class Gateway: Sendable {
    package let fleet: Fleet
    package let blueprints: Blueprints
    package let configuration: Configuration
    /// The ports that were bound, in the order of the listeners.
    package let ports: [UInt16]
    private let server: Server
    private let pipeline: Pipeline
    private let levels: LevelKeeper
    private let outbound: Outbound
    private let webhooks: WebhookSender
    private let eventWaits: EventWaits
    private let provisioning: ProvisioningCaller
    private let scheduler: Scheduler
    private let tls: TLSMaterial?
    package let archive: NodeArchive?
    private let isStopped = Atomic<Bool>(false)
    /// Half of the connections between two nodes.
    private static let eventWaitsOfClusterMax = PeerClient.connectionsMax / 2

    /// `round`: see `Scheduler`. `placement`: whose each tenant is, where it is not the fleet's own cluster that says.
    package static func start(
        _ configuration: Configuration, blueprints: Blueprints, clock: any WallClock = SystemClock(),
        monotonic: any MonotonicClock = SystemMonotonicClock(), placement: (any Placement)? = nil,
        round: @escaping @Sendable () -> Void = {}
    ) throws -> Gateway {
        try Gateway(configuration, blueprints, clock, monotonic, placement, round)
    }

    private init(
        _ configuration: Configuration, _ blueprints: Blueprints, _ clock: any WallClock,
        _ monotonic: any MonotonicClock, _ placement: (any Placement)?, _ round: @escaping @Sendable () -> Void
    ) throws {
        var options = Self.options(configuration)
        let data = try DataDirectory(path: configuration.dataPath)
        let archive = try configuration.archive.map { try NodeArchive($0, data: data) }
        if let archive { (options.logHolds, options.erasing) = (["archive": archive.mayForget], archive.erasing) }
        self.archive = archive
        let schema = configuration.examiner.map { TenantSchema.app.examining(by: $0) } ?? .app
        let fleet = try Fleet(
            data: data, schema: schema, options: options, clock: clock, monotonic: monotonic,
            report: RequestLog.report)
        let outbound = try Outbound(
            allowsPrivateAddresses: configuration.allowsPrivateAddresses, places: fleet.budgets.outbound)
        self.outbound = outbound
        webhooks = try WebhookSender(
            fleet: fleet, allowsPrivateAddresses: configuration.allowsPrivateAddresses,
            nameServers: configuration.nameServers, authorities: configuration.authoritiesPath)
        fleet.due.register(webhooks)
        eventWaits = EventWaits()
        provisioning = try ProvisioningCaller(fleet, allowsPrivateAddresses: configuration.allowsPrivateAddresses)
        fleet.due.register(provisioning)
        let services = try Services(
            fleet: fleet, scrypt: Scrypt(costLog2: configuration.scryptCostLog2), outbound: outbound,
            states: [blueprints, webhooks.probe, eventWaits])
        let tls = try Self.defaultCertificate(configuration).map { TLSMaterial(default: $0, fleet) }
        self.tls = tls
        // Before the first reading, so that no change is missed.
        fleet.watchCertificates { [weak tls] in tls?.reload() }
        tls?.reload()
        let watch = NodeWatch()
        let neighbours = try (placement ?? fleet.cluster).map {
            try Neighbours($0, secret: fleet.clusterSecret(for: "requests"), bounds: configuration.cluster?.bounds)
        }
        let pipeline = Self.pipeline(of: fleet, services, blueprints, configuration, watch, neighbours)
        if fleet.cluster != nil, let neighbours { Self.connect(watch, to: neighbours, fleet.random) }
        levels = LevelKeeper(
            fleet: fleet, process: pipeline.admission.process, levels: Self.tenantLevels)
        levels.restore()
        var listeners = configuration.listeners.map { listener in
            Listener(
                listener.place, role: listener.role, tls: tls.map { TLSServerContext(certificates: $0.certificates) },
                handed: listener.handed)
        }
        listeners.append(Listener(.unix(path: data.controlSocketPath), role: .control))
        let metrics = ServerMetrics()
        pipeline.attach(metrics)
        if let tls { pipeline.attach(tls.certificates) }
        pipeline.attach(webhooks)
        pipeline.attach(provisioning)
        server = try Server.start(
            listeners: listeners, handler: pipeline, limits: Self.limits(configuration, neighbours),
            loopCount: configuration.loops, metrics: metrics)
        ports = server.ports
        // Once all work outside the files is registered, and nothing fails any more.
        let calls = pipeline.metrics
        scheduler = try Scheduler(fleet, round: round, answered: { calls.answered.all })
        pipeline.attach(scheduler)
        if let archive { try Self.start(archive, fleet, pipeline, configuration) }
        watch.attach { [weak pipeline, certificates = tls?.certificates] in
            pipeline.map { NodeHealth(pipeline: $0, certificates: certificates).figures } ?? []
        }
        self.fleet = fleet
        self.pipeline = pipeline
        self.blueprints = blueprints
        self.configuration = configuration
        if let authority = baseURL.split(separator: "/").last { pipeline.attach(authority: String(authority)) }
        startTicking()
    }

    private static func options(_ configuration: Configuration) -> Fleet.Options {
        var options = Fleet.Options()
        options.workers = configuration.workers
        options.openFilesMax = configuration.openFilesMax
        options.commits = configuration.commits
        options.cluster = configuration.cluster
        options.cluster?.bounds.fetchesMax = max(
            1, min(configuration.workers / 2, ClusterBounds.downloadsMax))
        options.restMilliseconds = configuration.restSeconds == 0 ? nil : configuration.restSeconds * 1_000
        var figures = configuration.budgets
        // A call that one node passes on to another has a connection between them for as long as it waits.
        if configuration.cluster != nil { figures.start(.eventWaitsNode, with: Self.eventWaitsOfClusterMax) }
        (options.freeBytesReserve, options.budgets) = (configuration.freeBytesReserve, Budgets(figures))
        options.clockLeapHoursMax = configuration.clockLeapHoursMax
        options.aroundAnswers = { WakeBatch.run($0) }
        return options
    }

    private static func limits(_ configuration: Configuration, _ neighbours: Neighbours?) -> ServerLimits {
        var limits = configuration.serverLimits
        limits.proxies = configuration.trustedProxies
        limits.healthPaths = ["/healthz", "/readyz"]
        limits.singleFields = SingleFields(
            dialects.flatMap(\.credentials).compactMap(\.field) + WebhookSignature.fields)
        // What another node adds to a head that was just short enough.
        if neighbours != nil {
            limits.headBytesMax += Neighbours.headBytesAdded
            limits.headFieldsMax += Neighbours.headFieldsAdded
            limits.bindsPeers = true
        }
        return limits
    }

    private static func connect(_ watch: NodeWatch, to neighbours: Neighbours, _ random: any RandomSource) {
        watch.attach(asking: { target, requestID, then in
            NodeQuestion.ask(target, requestID, neighbours, random, then: then)
        })
    }

    /// A copy that it tries is examined in a process of its own.
    private static func start(
        _ archive: NodeArchive, _ fleet: Fleet, _ pipeline: Pipeline, _ configuration: Configuration
    ) throws {
        pipeline.attach(archive)
        try archive.start(fleet) { path in
            let report = try ExaminationProcess.verify(
                Verifier(path: path), by: configuration.examiner ?? ExaminationProcess.ownProgram)
            return report.isSound ? nil : report.text
        }
    }

    /// The way of every request to this fleet: what a server hands heads to, and whoever else has some.
    package static func handler(
        of fleet: Fleet, services: Services, blueprints: Blueprints, configuration: Configuration,
        scheduler: Scheduler? = nil
    ) -> any RequestHandler {
        let pipeline = Self.pipeline(of: fleet, services, blueprints, configuration, NodeWatch(), nil)
        if let scheduler { pipeline.attach(scheduler) }
        return pipeline
    }

    /// Every surface that a tenant may have.
    static let dialects: [any Dialect] =
        Dialects.all + [
            HomePages(), SignInPages(), SignOutPages(), ApplyPages(), ProgramPages(), PasswordPages(.invitation),
            PasswordPages(.passwordReset), SandboxPayPages(), PaymentReturnPages(),
            LogoPages(), ThemePages(),
        ] + PageSurfaces.ofTenants(over: Dialects.all)

    /// Every surface of the node itself.
    static func nodeSurfaces(_ provider: ProviderAPI) -> [any Surface] {
        [provider] + PageSurfaces.ofNode(over: provider)
    }

    private static let tenantLevels = TenantLevels(
        routeClasses: Set(dialects.flatMap(\.routes).compactMap(\.routeClass)))

    private static func pipeline(
        of fleet: Fleet, _ services: Services, _ blueprints: Blueprints, _ configuration: Configuration,
        _ watch: NodeWatch, _ neighbours: Neighbours?
    ) -> Pipeline {
        Pipeline(
            fleet: fleet,
            dialects: dialects,
            node: nodeSurfaces(
                ProviderAPI(
                    fleet: fleet, blueprints: blueprints, scrypt: services.scrypt, hosts: configuration.hosts,
                    levels: tenantLevels, watch: watch)),
            entrances: Pipeline.Entrances(tenants: SignInPages.entrance, node: ConsoleDoor.entrance),
            blueprints: blueprints, configuration: configuration, services: services, metrics: GatewayMetrics(),
            log: RequestLog(isOn: configuration.logsRequests), neighbours: neighbours)
    }

    /// The listening TCP sockets by descriptors of their own, for whoever takes this gateway's place. Before `stop`.
    package func listeningDescriptors() -> [Int32] { server.listeningDescriptors() }

    /// `/readyz` says no from now on; then the server drains and everything is written and closed. `handsOver`: others
    /// accept from the same sockets, so that nobody has to be told to go elsewhere. Blocks.
    package func stop(handsOver: Bool = false) {
        guard !isStopped.exchange(true, ordering: .sequentiallyConsistent) else { return }
        if !handsOver {
            pipeline.isDraining.store(true, ordering: .releasing)
            pause(milliseconds: configuration.drainNoticeMilliseconds)
        }
        // Before tenants go: no wait follows one, and keeps this node from stopping.
        eventWaits.close()
        if !handsOver { giveTenantsAway() }
        server.drain(withinMilliseconds: configuration.drainMilliseconds, handsOver: handsOver)
        pipeline.neighbours?.client.close()
        // Behind the calls: what they made due may still be done.
        scheduler.stop()
        webhooks.stop()
        outbound.close()
        provisioning.close()
        // What calls to services outside woke has its last writes to make.
        fleet.flows.drain(withinMilliseconds: configuration.drainMilliseconds)
        levels.save(fleet.roster.allTenants)
        archive?.stop(withinMilliseconds: configuration.archiveDrainMilliseconds)
        fleet.stop()
    }

    /// In a cluster a node that stops gives its tenants to the others first, while it serves and passes calls on: so
    /// nobody waits for them (N4). What it cannot give away in time, others take once it has left.
    private func giveTenantsAway() {
        guard fleet.cluster != nil else { return }
        let isOver = DispatchSemaphore(value: 0)
        fleet.drain { _ in isOver.signal() }
        _ = isOver.wait(timeout: .now() + .milliseconds(configuration.drainMilliseconds))
    }

    /// Reads the certificate files again (SIGHUP); connections that are open keep theirs. Throws where they do not
    /// load, and then nothing changes.
    package func reloadCertificates() throws {
        guard let tls, let fallback = try Self.defaultCertificate(configuration) else { return }
        tls.reload(default: fallback)
    }

    /// Throws where a start would refuse the certificate or its key.
    package static func checkCertificate(_ configuration: Configuration) throws {
        _ = try defaultCertificate(configuration)
    }

    private static func defaultCertificate(_ configuration: Configuration) throws -> TLSCertificate? {
        guard let chain = configuration.certificatePath, let key = configuration.privateKeyPath else { return nil }
        try PrivateFiles.judge(key, groupOfRootMayRead: true)
        return try TLSCertificate(chainFile: chain, keyFile: key)
    }

    /// On the first start with `--demo`: a tenant per blueprint, and `DATA/demo.json`. Returns the table to print; nil
    /// where the folder has tenants of its own. Blocks; once, before requests matter.
    package func provisionDemo(showsPasswords: Bool) throws -> String? {
        try Demo(
            fleet: fleet, blueprints: blueprints, services: pipeline.services, baseURL: baseURL,
            providerKeyPrefix: ProviderAPI.keyPrefix
        ).provision(showsPasswords: showsPasswords)
    }

    /// Where this gateway is reached: the public URL, or the first port that was bound.
    package var baseURL: String {
        if let url = configuration.publicURL { return url }
        for (listener, port) in zip(configuration.listeners, ports) where listener.role == .everyone {
            if case .tcp(let address, _) = listener.place {
                let host = address == .loopback || address.isAny ? "127.0.0.1" : address.description
                return "\(tls == nil ? "http" : "https")://\(host):\(port)"
            }
        }
        return "http://127.0.0.1"
    }

    private func startTicking() {
        if fleet.filesFollow { startSweeping() }
        startThread("clock") { [weak self] in
            var seconds = 0
            var heapPace = HeapPace()
            while let gateway = self, !gateway.isStopped.load(ordering: .relaxed) {
                let touched = gateway.fleet.tick()
                gateway.scheduler.watch()
                gateway.eventWaits.tick(gateway.fleet.monotonic.nanoseconds())
                gateway.levels.save(touched)
                seconds += 1
                if seconds % Fleet.meteringSeconds == 0 {
                    gateway.fleet.saveCounters()
                    gateway.fleet.meter()
                    heapPace.giveBack(mapped: gateway.fleet.logMemoryBytes) { ProcessFigures.residentBytes }
                }
                pause(milliseconds: 1_000)
            }
        }
    }

    private static let sweepMilliseconds = 250

    private func startSweeping() {
        startThread("sweeper") { [weak self] in
            while let gateway = self, !gateway.isStopped.load(ordering: .relaxed) {
                gateway.fleet.sweep()
                pause(milliseconds: Self.sweepMilliseconds)
            }
        }
    }
}
