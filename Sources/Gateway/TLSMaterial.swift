import Cryptography
import TenantRegistry

/// Certificates of the gateway: the default one from files, those of custom domains from the registry.
enum TLSMaterial {
    /// The custom domains' certificates by host; one that no longer loads is reported and left out.
    static func byHost(_ fleet: Fleet) -> [String: TLSCertificate] {
        var certificates: [String: TLSCertificate] = [:]
        for domain in fleet.certificates {
            guard let tenant = fleet.roster.tenant(host: domain.host) else { continue }
            do {
                let key = try fleet.unwrap(domain.wrappedPrivateKey, of: tenant.id)
                certificates[domain.host] = try TLSCertificate(chainPEM: Array(domain.certificate.utf8), keyPEM: key)
            } catch {
                fleet.report("certificate of \(domain.host): \(error)")
            }
        }
        return certificates
    }
}
