import CallKit

extension Missing {
    static let webhook = Missing("webhook")
    static let delivery = Missing("delivery")
}

extension Conflict {
    static let endpointDisabled = Conflict("endpoint_disabled", "The endpoint is disabled or removed.")

    static func tooManyWebhooks(_ most: Int) -> Conflict {
        Conflict("too_many_webhooks", "There are \(most) webhooks at most.")
    }
}
