/// Who did something to the node or to one of its tenants (P8).
package enum ProviderActor: Sendable, Equatable {
    /// As the key was called when it did it.
    case key(id: String, name: String)
    /// Whoever may open the data folder.
    case controlSocket
    /// The node by itself: its clock, or its start.
    case node

    var name: String {
        switch self {
        case .key: "key"
        case .controlSocket: "control_socket"
        case .node: "node"
        }
    }
}

/// A line of the provider's log in the making: it is written in the transaction that has the effect.
package struct ProviderAct: Sendable {
    package let action: String
    package let actor: ProviderActor
    package let requestID: RequestID
    package let at: Timestamp
    /// JSON: what was done, in ids and figures. No secret, no personal data.
    package let detail: String

    package init(
        _ action: String, by actor: ProviderActor, requestID: RequestID, at: Timestamp, detail: String = ""
    ) {
        self.action = action
        self.actor = actor
        self.requestID = requestID
        self.at = at
        self.detail = detail
    }

    /// Another thing that the same call did.
    func also(_ action: String) -> ProviderAct {
        ProviderAct(action, by: actor, requestID: requestID, at: at, detail: detail)
    }
}

extension Fleet {
    /// What the node does by itself.
    package func ownAct(_ action: String, detail: String = "") -> ProviderAct {
        ProviderAct(action, by: .node, requestID: .none, at: clock.now(), detail: detail)
    }
}
