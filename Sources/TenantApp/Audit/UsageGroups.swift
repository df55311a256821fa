import TenantRegistry

/// By what counts of calls are added up (O6).
package enum UsageGroup: String, Sendable, CaseIterable {
    case key, reseller, route

    /// What a row counts for: an id, or a route. 0 where no key was used, or it was no reseller's.
    package enum Name: Sendable, Hashable {
        case key(Int64)
        case reseller(Int64)
        case route(String)
    }

    fileprivate func name(_ place: UsagePlace) -> Name {
        switch self {
        case .key: .key(place.keyID)
        case .reseller: .reseller(place.resellerID)
        case .route: .route(place.action)
        }
    }
}

extension UsageWalk {
    /// The sums over the whole time, the greatest by `order` first. Throws where it is too much to be added up.
    package func sums(
        of group: UsageGroup, by order: UsageFilter.Order
    ) async throws -> [(name: UsageGroup.Name, sum: UsageRow)] {
        var sums: [UsageGroup.Name: UsageRow] = [:]
        try await each { sums[group.name($0.place), default: UsageRow(nothingIn: 0)].add($0) }
        return sums.map { ($0.key, $0.value) }.sorted { order.count($0.sum) > order.count($1.sum) }
    }
}
