import CallKit
import Cryptography
import HTTPCore
import RateLimiter
import SQLite
import TenantApp
import TenantRegistry

/// What is served at the root: the provider's API, health, metrics (P, G7), and the links that are built.
extension Pipeline {
    /// Restores are bounded by the tenant's own quota; a whole body is read for every other call of the provider.
    private static let providerBodyBytesMax = 1 << 20

    func root(
        _ path: String, _ head: RequestHead, _ peer: Peer, _ requestID: RequestID, _ now: Timestamp
    ) -> HeadVerdict {
        let trace = RequestTrace(head: head, peer: peer, requestID: requestID, started: fleet.monotonic.nanoseconds())
        let servesAdmin = peer.role != .everyone || !configuration.separatesAdmin
        switch path {
        case "/healthz": return plain(200, "ok\n", trace)
        case "/readyz":
            return isDraining.load(ordering: .acquiring)
                ? plain(503, "draining\n", trace) : plain(200, "ready\n", trace)
        case "/metrics" where servesAdmin:
            return .later { [self] responder in
                let submitted = fleet.background.submit { [self] in
                    responder.respond(text(200, metrics.text(fleet: fleet, server: server), trace))
                }
                if !submitted { responder.respond(refuse(.busy, nil, trace)) }
            }
        case ProviderAPI.basePath + OpenAPIDocument.pattern where servesAdmin && head.method == .get:
            return describe(provider.description, trace)
        case _ where servesAdmin && path.hasPrefix(ProviderAPI.basePath + "/"):
            return provide(path, trace, now)
        default: return .answer(refuse(.notFound(.path), nil, trace))
        }
    }

    private func plain(_ status: Int, _ body: String, _ trace: RequestTrace) -> HeadVerdict {
        .answer(text(status, body, trace))
    }

    private func text(_ status: Int, _ body: String, _ trace: RequestTrace) -> Response {
        var response = Response(
            status: status, contentType: "text/plain; version=0.0.4; charset=utf-8", bytes: Array(body.utf8))
        stamp(&response, trace, tenant: nil)
        return response
    }

    /// An API's description at an address of no tenant (X7).
    func describe(_ description: LazyDescription, _ trace: RequestTrace) -> HeadVerdict {
        let scheme = trace.peer.isEncrypted ? "https" : "http"
        let base = configuration.publicURL ?? "\(scheme)://\(trace.head?.value(of: .host) ?? "localhost")"
        var response = Response(
            status: 200, contentType: "application/json", bytes: description.bytes(baseURL: base))
        stamp(&response, trace, tenant: nil)
        return .answer(response)
    }

    private func provide(_ path: String, _ trace: RequestTrace, _ now: Timestamp) -> HeadVerdict {
        guard let head = trace.head else { return .answer(refuse(.defect, nil, trace)) }
        // None before the caller is known.
        var told = ResponseHeaders()
        let route: ProviderRoute
        let parameters: [String]
        let caller: ProviderCaller
        do throws(Refusal) {
            caller = try provider.authenticate(head, from: trace.peer)
            let decision = provider.admit(now: fleet.monotonic.nanoseconds())
            told = Admission.headers(decision, "provider")
            guard decision.admitted else { throw .rateLimited(retryAfterSeconds: max(1, decision.retryAfterSeconds)) }
            (route, parameters) = try provider.route(head.method, path)
        } catch {
            if error == .unknownCredential,
                let overrun = admission.overrunByFailures(
                    clientAddress(head, trace.peer), now: fleet.monotonic.nanoseconds())
            {
                return .answer(refuse(overrun, nil, trace))
            }
            return .answer(refuse(Overrun(refusal: error, headers: told), nil, trace))
        }
        let limits = told
        let run: @Sendable ([UInt8], String?, any Responder) -> Void = { [self] body, file, responder in
            let reply: ProviderRoute.Reply = { [self] result in
                responder.respond(response(to: result, trace, limits))
            }
            let call = ProviderCall(
                head: head, parameters: parameters, body: body, requestID: trace.requestID, now: now,
                caller: caller, baseURL: { [self] record in baseURL(head, trace.peer, record) })
            do {
                try route.handle(provider, call, file, reply)
            } catch {
                if let file { DataDirectory.remove(file) }
                reply(.failure(error))
            }
        }
        switch route.body {
        case .file:
            let path = fleet.data.temporaryPath(fleet.random.uint64())
            let pool = fleet.files
            return .streamBody(bytesMax: restoreBytesMax(parameters)) { responder in
                FileSink(path: path, pool: pool) { [self] result in
                    switch result {
                    case .success(let file): run([], file, responder)
                    case .failure(let error): responder.respond(response(to: .failure(error), trace, limits))
                    }
                }
            }
        case .whole:
            if head.method == .get || head.method == .head, !head.announcesBody {
                return .later { responder in run([], nil, responder) }
            }
            return .readBody(bytesMax: Self.providerBodyBytesMax) { body, responder in
                run(body, nil, responder)
                return nil
            }
        }
    }

    private func restoreBytesMax(_ parameters: [String]) -> Int {
        let quota = parameters.first.flatMap { fleet.roster.tenant(slug: $0) }?.profile.quotas.bytesMax
        return Int(quota ?? 1 << 30)
    }

    private func response(
        to result: Result<LateAnswer, any Error>, _ trace: RequestTrace, _ limits: ResponseHeaders
    ) -> Response {
        var response: Response
        switch result {
        case .success(.whole(let answer)):
            response = Response(status: answer.status, headers: answer.headers)
            if !answer.body.isEmpty {
                response.headers.add("Content-Type", answer.contentType)
                response.body = .bytes(answer.body)
            }
        case .success(.stream(let status, let headers, let stream, let length)):
            response = Response(status: status, headers: headers, body: .stream(stream, length: length))
        case .failure(let error):
            let refusal: Refusal
            switch error {
            case let known as Refusal: refusal = known
            case let failure as LaneFailure: refusal = Refusal(failure)
            case RegistryRefusal.unknownTenant: refusal = .notFound(.tenant)
            case RegistryRefusal.notAllowed(let known as Refusal): refusal = known
            case let failure as SQLiteError where failure.isFull || failure.isIOError:
                // A copy of a tenant that the disk did not take; lanes tell their own failures.
                fleet.report("\(trace.requestID.text): \(failure)")
                refusal = Refusal(failure.isFull ? LaneFailure.storageFull : .notCommitted)
            case let failure as DataDirectory.Failure:
                fleet.report("\(trace.requestID.text): \(failure)")
                refusal = Refusal(LaneFailure.notCommitted)
            default:
                fleet.report("\(trace.requestID.text): \(error)")
                refusal = .defect
            }
            metrics.countRefusal(refusal)
            response = Problem.response(refusal, requestID: trace.requestID)
        }
        response.headers.add(limits)
        stamp(&response, trace, tenant: nil)
        return response
    }

    // MARK: Links

    /// The tenant's base URL as this caller can use it: the configured public URL, or the address that was called.
    func baseURL(_ head: RequestHead, _ peer: Peer, _ tenant: TenantRecord) -> String {
        if let base = configuration.publicURL { return "\(base)/t/\(tenant.slug)" }
        let host = peer.role == .control ? authority : head.value(of: .host) ?? "localhost"
        let scheme =
            peer.isEncrypted || (peer.role == .control && configuration.certificatePath != nil) ? "https" : "http"
        return "\(scheme)://\(host)/t/\(tenant.slug)"
    }

    func baseURL(of routed: Routed, tenant: TenantRecord) -> String {
        if configuration.publicURL == nil, routed.addressPrefix.isEmpty, routed.addressed != nil {
            // The tenant's own host name.
            return "\(routed.peer.isEncrypted ? "https" : "http")://\(routed.head.value(of: .host) ?? "localhost")"
        }
        return baseURL(routed.head, routed.peer, tenant)
    }
}
