import CallKit
package import HTTPCore

/// What somebody who waits asks of the network about an endpoint: the node that has one gives it. Any thread.
package final class WebhookProbe: ProcessState {
    /// Sends a delivery once, now, and says what came of it; within the time of one attempt. False where there is no
    /// way out: then `then` is not called.
    package typealias Send =
        @Sendable (_ url: String, _ delivery: ClaimedDelivery, _ then: @escaping @Sendable (AttemptResult) -> Void) ->
        Bool
    /// The addresses that a name stands for; nil where nobody says so within moments.
    package typealias Resolve =
        @Sendable (_ name: String, _ then: @escaping @Sendable ([IPAddress]?) -> Void) -> Void

    let send: Send
    let resolve: Resolve

    /// A node without a way out.
    package convenience init() { self.init(send: { _, _, _ in false }, resolve: { _, then in then(nil) }) }

    package init(send: @escaping Send, resolve: @escaping Resolve) {
        self.send = send
        self.resolve = resolve
    }
}
