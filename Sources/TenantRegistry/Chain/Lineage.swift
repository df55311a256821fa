import Cryptography

/// Whose rows the chain of a fork begins with (B2): each stretch was written and signed under another tenant's id and
/// key, and the row behind it is `tenant.forked`, which names both. `meta.lineage` keeps it; none of a tenant that was
/// made new. A value.
package struct Lineage: Sendable, Equatable {
    package struct Stretch: Sendable, Equatable {
        package let tenant: TenantID
        package let publicKey: [UInt8]
        /// Its last row.
        package let through: Int64

        package init(tenant: TenantID, publicKey: [UInt8], through: Int64) {
            self.tenant = tenant
            self.publicKey = publicKey
            self.through = through
        }
    }

    /// In the order of their rows.
    package let stretches: [Stretch]

    package static let none = Lineage(stretches: [])

    private init(stretches: [Stretch]) { self.stretches = stretches }

    /// `id:key:row`, a space between; nil for what no gateway wrote.
    package init?(text: String?) {
        guard let text else {
            self = .none
            return
        }
        var stretches: [Stretch] = []
        for part in text.split(separator: " ", omittingEmptySubsequences: false) {
            let fields = part.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, let tenant = TenantID(text: String(fields[0])),
                let key = Hex.decode(String(fields[1])), key.count == Ed25519.keyBytes, let row = Int64(fields[2]),
                row > stretches.last?.through ?? 0
            else { return nil }
            stretches.append(Stretch(tenant: tenant, publicKey: key, through: row))
        }
        guard !stretches.isEmpty else { return nil }
        self.init(stretches: stretches)
    }

    package var text: String {
        stretches.map { "\($0.tenant.text):\(Hex.encode($0.publicKey)):\($0.through)" }.joined(separator: " ")
    }

    /// With what one more tenant has written behind it.
    package func adding(_ stretch: Stretch) -> Lineage { Lineage(stretches: stretches + [stretch]) }

    /// Under whose id and key a row was written; nil: the file's own tenant's.
    package func owner(of sequence: Int64) -> Stretch? { stretches.first { sequence <= $0.through } }

    /// Whose last row stands before this one.
    package func ends(before sequence: Int64) -> Stretch? { stretches.first { $0.through + 1 == sequence } }

    /// What the first row of a fork says of where it comes from.
    package static func detail(of stretch: Stretch, head: AuditHead) -> String {
        #"{"from":"\#(stretch.tenant.text)","head":"\#(head.text)","public_key":"\#(Hex.encode(stretch.publicKey))"}"#
    }
}
