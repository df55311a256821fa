import Foundation
import TenantRegistry
import Testing

/// Waits for what another thread does; where that never comes, the test says so and goes on.
func until(_ isSo: () -> Bool) {
    let end = Date.now.addingTimeInterval(60)
    while !isSo() {
        guard Date.now < end else {
            Issue.record("what was waited for never came")
            return
        }
        pause(milliseconds: 0)
    }
}
