package import TenantRegistry

extension AccountRole {
    /// What somebody of this role calls as, once signed in.
    package var sessionRole: KeyRole {
        switch self {
        case .owner: .ownerSession
        case .operator: .operatorSession
        case .support: .supportSession
        case .reseller: .resellerSession
        }
    }

    /// What a key of a person of this role may be at the most.
    package var keyRole: KeyRole {
        switch self {
        case .owner: .owner
        case .operator: .operator
        case .support: .support
        case .reseller: .reseller
        }
    }
}

extension KeyRole {
    /// What a key of this role may still be, where its person has that one: a session follows its person, a key does
    /// no more than its person may (O13).
    package func role(of person: AccountRole) -> KeyRole {
        if isSession { return person.sessionRole }
        let ascending: [KeyRole] = [.support, .operator, .owner]
        return ascending.first { $0 == self || $0 == person.keyRole } ?? self
    }
}
