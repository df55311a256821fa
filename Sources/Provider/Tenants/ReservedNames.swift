/// Names that no tenant takes (P1). A slug is a label of a host name below the
/// base domain and a part of paths, so it must not stand for what people, programs and the DNS look for there.
enum ReservedNames {
    /// Whether a well-formed slug is kept back.
    static func isReserved(slug: String) -> Bool {
        // `xn--` and its like are codings of other letters: such a name shows as another.
        let hasReservedHyphens = Array(slug.utf8.dropFirst(2).prefix(2)) == [0x2D, 0x2D]
        return hasReservedHyphens || slugs.contains(slug)
    }

    private static let slugs = Set(node + web + mail + dns + security + trust)

    /// What the node serves, or will.
    private static let node = [
        "admin", "administrator", "api", "app", "apps", "console", "gateway", "healthz", "livez", "metrics", "node",
        "portal", "readyz", "tollgate",
    ]
    /// What browsers and operators expect beside a site.
    private static let web = [
        "assets", "blog", "cdn", "dashboard", "dev", "docs", "download", "downloads", "files", "ftp", "help", "img",
        "images", "media", "static", "status", "support", "web", "ww", "www", "www1", "www2", "wwww",
    ]
    /// RFC 2142's mailboxes are the domain's; mail programs try these hosts.
    private static let mail = [
        "abuse", "autoconfig", "autodiscover", "email", "hostmaster", "imap", "imaps", "mail", "mail1", "mail2",
        "mta-sts",
        "mx", "mx1", "mx2", "pop", "pop3", "postmaster", "smtp", "smtps", "webmail", "webmaster",
    ]
    /// RFC 6761's special names, name servers, and what resolvers and proxies look up by themselves.
    private static let dns = [
        "broadcasthost", "dns", "dns1", "dns2", "example", "invalid", "isatap", "local", "localdomain", "localhost",
        "ns", "ns0", "ns1", "ns2", "ns3", "ns4", "onion", "test", "wpad",
    ]
    /// Names that would speak for the node in matters of trust.
    private static let security = ["crl", "ocsp", "pki", "secure", "security", "ssl", "tls", "vpn", "well-known"]
    private static let trust = [
        "account", "accounts", "auth", "billing", "id", "identity", "internal", "invoice", "login", "oauth", "official",
        "pay", "payment", "payments", "root", "saml", "signin", "signup", "sso", "staff", "system", "verify",
    ]
}
