import CallKit
import HTTPClient
import RateLimiter
import TenantApp

/// The node's way out: tenants' calls by libcurl, each tenant and reseller bounded by itself. Any thread.
struct Outbound: OutboundCalls {
    let allowsPrivateAddresses: Bool
    private let caller: OutboundCaller
    private let places: Shares

    init(allowsPrivateAddresses: Bool, places: Shares) throws {
        self.places = places
        self.allowsPrivateAddresses = allowsPrivateAddresses
        caller = try OutboundCaller()
    }

    func close() { caller.close() }

    func post(
        _ request: OutboundRequest, by payer: Payer,
        then: @escaping @Sendable (Result<OutboundResponse, OutboundFailure>) -> Void
    ) -> Bool {
        let isPlain = !request.url.hasPrefix("https://")
        let rule = OutboundRule.rule(isPlain: isPlain, allowsPrivateAddresses: allowsPrivateAddresses)
        // Configured while it was allowed, and the node was started without it since.
        guard let rule else {
            then(.failure(.unanswered("plain HTTP is not allowed")))
            return true
        }
        var call = OutboundCall(url: request.url, headers: request.headers, body: request.body)
        call.addressRule = rule
        if let milliseconds = request.onceWithinMilliseconds {
            call.tryOnce(withinMilliseconds: milliseconds, connecting: call.connectMilliseconds)
            call.totalMilliseconds = milliseconds
        }
        guard let place = places.place(for: payer) else { return false }
        return caller.send(call, group: "\(payer.tenant)") { result in
            withExtendedLifetime(place) {}
            switch result {
            case .success(let answer): then(.success(OutboundResponse(status: answer.status, body: answer.body)))
            case .failure(let error): then(.failure(Self.failure(error)))
            }
        }
    }

    static func failure(_ error: HTTPClientError) -> OutboundFailure {
        switch error {
        case .responseTooLong: .tooLong
        case .timedOut: .timedOut(error.description)
        case .untrusted: .untrusted(error.description)
        default: .unanswered(error.description)
        }
    }
}
