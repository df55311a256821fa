/// By what counts of calls are added up (O6).
package enum UsageGroup: String, Sendable, CaseIterable {
    case key, reseller, route

    /// What a row counts for: the key, the reseller or the route of its place alone. 0 where no key was used, or it was
    /// no reseller's.
    func place(of place: UsagePlace) -> UsagePlace {
        UsagePlace(
            period: 0, keyID: self == .key ? place.keyID : 0, resellerID: self == .reseller ? place.resellerID : 0,
            action: self == .route ? place.action : "")
    }
}
