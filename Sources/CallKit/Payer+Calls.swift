package import Cryptography
package import HTTPCore
package import RateLimiter
package import TenantRegistry

extension TenantID {
    package var number: UInt128 { UInt128(high) << 64 | UInt128(low) }
}

extension IPAddress {
    /// IPv4 whole, IPv6 by /64 (G6).
    package var meteredNumber: UInt128 {
        let metered = meteringAddress
        return UInt128(metered.high) << 64 | UInt128(metered.low)
    }
}

extension Payer {
    /// Who pays for a call: its key's reseller or operators; where it shows none, the address at its tenant. A reseller
    /// that applied and waits for approval is a stranger yet.
    package init(_ realm: Realm, _ caller: Caller?, at address: IPAddress) {
        if case .entrance = realm {
            self.init(kind: .stranger, tenant: 0, member: address.meteredNumber)
            return
        }
        guard let tenant = realm.tenant else {
            self = .node
            return
        }
        let owner = tenant.id.number
        guard let caller else {
            self.init(kind: .stranger, tenant: owner, member: address.meteredNumber)
            return
        }
        let reseller = caller.projection.resellerID
        let kind: Kind = reseller == 0 ? .tenant : caller.isWaiting ? .stranger : .reseller
        self.init(kind: kind, tenant: owner, member: UInt128(truncatingIfNeeded: reseller))
    }
}

extension Call {
    package var payer: Payer { Payer(realm, caller, at: clientAddress) }
}

extension AddressKey {
    /// An address at a tenant; at the node where there is none.
    package init(_ address: IPAddress, at tenant: TenantID?, aspect: Int = 0) {
        self.init(owner: tenant?.number ?? 0, subject: address.meteredNumber, aspect: aspect)
    }

    /// A tenant, for what all its strangers share.
    package init(of tenant: TenantID) { self.init(owner: tenant.number, subject: 0) }

    /// A text at a tenant that may be as long as it likes, and may be a secret.
    package init(_ text: String, at tenant: TenantID) {
        self.init(SHA256.hash(text), at: tenant)
    }

    /// Of what a hash stands for, at a tenant; at the node where there is none.
    package init(_ digest: Digest, at tenant: TenantID?) {
        self.init(
            owner: tenant?.number ?? 0,
            subject: digest.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 0, as: UInt128.self) })
    }
}
