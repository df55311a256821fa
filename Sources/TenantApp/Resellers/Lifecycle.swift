import CallKit
package import TenantRegistry

/// A reseller's moves between states (O3, W1): pending → active, active ↔ suspended, any → terminated, which is
/// final. Pure: any thread.
extension ResellerState {
    package enum Move: String, Sendable, CaseIterable {
        case approve
        case suspend
        case resume
        case terminate
    }

    /// The state after the move; nil where the move is not allowed here (409).
    package func after(_ move: Move) -> ResellerState? {
        switch (self, move) {
        case (.pending, .approve), (.suspended, .resume): .active
        case (.active, .suspend): .suspended
        case (.pending, .terminate), (.active, .terminate), (.suspended, .terminate): .terminated
        case (.pending, _), (.active, _), (.suspended, _), (.terminated, _): nil
        }
    }
}
