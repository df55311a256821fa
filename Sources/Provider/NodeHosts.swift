import HTTPCore

/// The host names that are the node's own (P2): the one that clients are told, and all below the base domain, where
/// slugs name tenants. No tenant can take one as its domain, and one that a tenant has from before is not served: the
/// router asks here too.
package struct NodeHosts: Sendable {
    /// Of the public URL; nil without one.
    private let publicHost: String?
    package let baseDomain: String?

    package init(publicURL: String?, baseDomain: String?) {
        publicHost = publicURL.flatMap(HostName.ofURL)
        self.baseDomain = baseDomain
    }

    /// Why a tenant cannot have this host, in lower case; nil where it can.
    package func objection(to host: String) -> (code: String, detail: String)? {
        guard HostName.isDomain(host) else {
            return (
                "format",
                "must be a host name of two labels or more in ASCII, other letters as xn--…, without a port, and no "
                    + "IP address"
            )
        }
        if host == publicHost { return ("reserved", "is the node's own host") }
        if isBelowBase(host) { return ("reserved", "belongs to the base domain, where slugs name tenants") }
        return nil
    }

    /// Why no tenant can have this slug; nil where one can.
    package func objection(toSlug slug: String) -> String? {
        guard let baseDomain, "\(slug).\(baseDomain)" == publicHost else { return nil }
        return "would be the node's own host"
    }

    /// The slug that a host below the base domain names, whether there is such a tenant or not.
    package func slug(ofHost host: String) -> String? {
        guard let baseDomain, host != publicHost, host.hasSuffix(".\(baseDomain)") else { return nil }
        return String(host.dropLast(baseDomain.count + 1))
    }

    private func isBelowBase(_ host: String) -> Bool {
        guard let baseDomain else { return false }
        return host == baseDomain || host.hasSuffix(".\(baseDomain)")
    }
}
