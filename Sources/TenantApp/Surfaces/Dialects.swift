package import CallKit

/// The APIs and pages that this module serves, in the order in which paths are looked up.
package enum Dialects {
    /// A dialect that is made later: its routes' schemas name the scopes of all.
    struct Entry: Sendable {
        let scopes: NamedScopes
        let make: @Sendable () -> any Dialect

        init<Served: Dialect>(_ make: @autoclosure @escaping @Sendable () -> Served) {
            scopes = Served.scopes
            self.make = make
        }
    }

    static let entries = [
        Entry(WholesaleOrders()), Entry(CreditReports()), Entry(ActivationCodes()), Entry(ActivationPages()),
        Entry(LicenceKeys()), Entry(ProxyPorts()), Entry(OperatorAdmin()),
        Entry(ProvisioningCallbacks()), Entry(PaymentCallbacks()),
    ]

    package static let all: [any Dialect] = entries.map { $0.make() }
}
