import CallKit
import HTTPClient
import TenantApp
import TenantRegistry

/// The node's way out: tenants' calls by libcurl, each tenant bounded by itself. Any thread.
struct Outbound: OutboundCalls {
    let allowsPrivateAddresses: Bool
    private let caller: OutboundCaller

    init(allowsPrivateAddresses: Bool) throws {
        self.allowsPrivateAddresses = allowsPrivateAddresses
        caller = try OutboundCaller()
    }

    func close() { caller.close() }

    func post(
        _ request: OutboundRequest, of tenant: TenantID,
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
        return caller.send(call, group: tenant.text) { result in
            switch result {
            case .success(let answer): then(.success(OutboundResponse(status: answer.status, body: answer.body)))
            case .failure(let error): then(.failure(Self.failure(error)))
            }
        }
    }

    private static func failure(_ error: HTTPClientError) -> OutboundFailure {
        switch error {
        case .responseTooLong: .unusable("it is too long")
        default: .unanswered(error.description)
        }
    }
}
