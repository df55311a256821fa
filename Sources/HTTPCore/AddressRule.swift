/// Which addresses a call may connect to, judged after the name was resolved, at the moment of connecting: a name
/// that resolves to something else the second time gets no further.
package enum AddressRule: Sendable {
    case any
    /// The public Internet alone.
    case publicOnly
    /// Anything but the public Internet: plain HTTP where the node's operator has allowed it for machines of his own.
    case privateOnly

    package func allows(_ address: IPAddress) -> Bool {
        switch self {
        case .any: true
        case .publicOnly: address.isPublic
        case .privateOnly: !address.isPublic
        }
    }
}
