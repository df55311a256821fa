import Cryptography
import Synchronization
import TenantRegistry

/// Certificates of the gateway: the default one from files, those of custom domains from the registry. Any thread.
final class TLSMaterial: Sendable {
    let certificates: TLSCertificates
    private let fleet: Fleet
    /// One reading at a time, so that the one that is served last is the newest.
    private let reading = Mutex(())

    /// Serves the default one alone until it is told to `reload`.
    init(default fallback: TLSCertificate, _ fleet: Fleet) {
        certificates = TLSCertificates(default: fallback)
        self.fleet = fleet
    }

    /// Reads the custom domains' certificates again.
    func reload() {
        reading.withLock { _ in certificates.replace(byHost: byHost()) }
    }

    /// With another default one.
    func reload(default fallback: TLSCertificate) {
        reading.withLock { _ in certificates.replace(default: fallback, byHost: byHost()) }
    }

    /// The custom domains' certificates by host; one that no longer loads is reported and left out.
    private func byHost() -> [String: TLSCertificate] {
        var certificates: [String: TLSCertificate] = [:]
        for domain in fleet.certificates {
            // One of a tenant that had the host before is of no use to the one that has it.
            guard fleet.roster.tenant(host: domain.host)?.id == domain.tenant else { continue }
            do {
                let key = try fleet.unwrap(domain.wrappedPrivateKey, of: domain.tenant)
                certificates[domain.host] = try TLSCertificate(chainPEM: Array(domain.certificate.utf8), keyPEM: key)
            } catch {
                fleet.report("certificate of \(domain.host): \(error)")
            }
        }
        return certificates
    }
}
