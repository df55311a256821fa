import CallKit

extension Crowded {
    static let replayUnderWay = Crowded(
        "replay_under_way", "Another replay of yours is under way; try again when it has ended.", retryAfterSeconds: 5)
}

extension Unavailable {
    static let webhooksBusy = Unavailable(
        "webhooks_busy", "Too many calls to webhooks are under way; try again.", retryAfterSeconds: 5)
    /// To one that would have been answered at once and empty, and would have asked again at once.
    static let eventWaitsFull = busy.saying(
        "Too many calls wait for an event already, of yours, of this tenant or of the node.", retryAfterSeconds: 5)
}

extension Missing {
    static let webhook = Missing("webhook")
    static let delivery = Missing("delivery")
    static let replay = Missing("replay")
}

extension Conflict {
    static let endpointDisabled = Conflict("endpoint_disabled", "The endpoint is disabled or removed.")
    static let endpointPaused = Conflict("endpoint_paused", "The endpoint is paused; resume it.")
    static let endpointDisabledByOperator = Conflict(
        "endpoint_disabled_by_operator", "An operator has disabled the endpoint; an operator alone enables it.")
    static let testIsNotRetried = Conflict("test_not_retried", "A test is not sent again; send another.")
    static let defaultWebhookExists = Conflict("default_webhook_exists", "There is a webhook named default already.")

    static let defaultWebhookKeepsItsName = Conflict(
        "default_webhook_keeps_its_name", "The webhook named default keeps its name, and no other takes it.")

    static func tooManyWebhooks(_ most: Int) -> Conflict {
        Conflict("too_many_webhooks", "There are \(most) webhooks at most.")
    }
}
