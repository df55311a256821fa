package import CallKit
import HTTPCore

extension ActivationCodes {
    static let told: [EventType] = EventType.codes + [.webhookTest]

    /// What its resellers are told of (A8).
    package var events: [DescribedEvent] {
        Self.told.map { type in
            switch type {
            case .balanceLow: type.described(of: Reseller.self, id: "res")
            case .webhookEndpointDisabled, .webhookTest: type.described(of: WebhookEndpoint.self, id: "whe")
            default: type.described(of: ActivationCode.self, id: "code")
            }
        }
    }
}

/// A code as events show it: as its reseller's list does (A8).
extension ActivationCode: EventObject {
    package static let revised: RevisedRows? = nil
    package static let told = ActivationCodes.Schemas.toldCode
    package var publicID: String { code }
}
