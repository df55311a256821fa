import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// A tenant's own host names, with the certificates that they are served with.
extension ProviderAPI {
    /// `[{host, certificate?, private_key?}]`, or names alone; nil where domains stay as they are.
    func readDomains(_ fields: inout FieldReader, _ record: TenantRecord) throws -> DomainChange? {
        guard let values = fields.optionalArray("domains", count: 0...100) else { return nil }
        var names: [String] = []
        var certificates: [DomainCertificate] = []
        var keeping: Set<String> = []
        for (index, given) in values.enumerated() {
            var value = given
            var isNamed = false
            // As GET gives it: the name alone, which keeps the certificate that it has.
            if case .string = given {
                value = .object([JSONMember(name: "host", value: given)])
                isNamed = true
            }
            var domain = fields.reader(of: value, at: index, in: "domains")
            let host = domain.string("host", characters: 1...253)?.lowercased()
            // One that the tenant has, perhaps since before the node was given its base domain, may be sent back (P2).
            if let host, !record.profile.domains.contains(host), let objection = hosts.objection(to: host) {
                domain.fail("host", code: objection.code, detail: objection.detail)
            }
            if let host, names.contains(host) {
                domain.fail("host", code: "duplicate", detail: "comes twice")
            }
            let certificate =
                isNamed ? certificate(of: host, record) : try readCertificate(&domain, of: host, record)
            if let certificate { certificates.append(certificate) }
            domain.expectNoOthers(than: ["host", "certificate", "private_key"])
            fields.absorb(domain)
            if let host { names.append(host) }
            if isNamed, let host { keeping.insert(host) }
        }
        if isAsItIs(names, certificates, record) { return nil }
        return DomainChange(hosts: names, certificates: certificates, keeping: keeping)
    }

    private func isAsItIs(_ names: [String], _ certificates: [DomainCertificate], _ record: TenantRecord) -> Bool {
        let hosts = record.profile.domains
        let known = fleet.certificates.filter { $0.tenant == record.id }
        return Set(names) == Set(hosts) && certificates.count == known.count
            && certificates.allSatisfy { known.contains($0) }
    }

    private func certificate(of host: String?, _ record: TenantRecord) -> DomainCertificate? {
        guard let host, record.profile.domains.contains(host) else { return nil }
        return fleet.certificates.first { $0.tenant == record.id && $0.host == host }
    }

    private func readCertificate(
        _ domain: inout FieldReader, of host: String?, _ record: TenantRecord
    ) throws -> DomainCertificate? {
        let certificate = domain.optionalPEM("certificate")
        // Everybody who reads the tenant is shown it.
        if let certificate, certificate.uppercased().contains("PRIVATE KEY") {
            domain.fail("certificate", code: "secret", detail: "holds a private key, which belongs into private_key")
        }
        let key = domain.optionalPEM("private_key")
        if (certificate == nil) != (key == nil) {
            domain.fail("certificate", code: "required", detail: "certificate and private_key come together")
        }
        guard let host, let certificate, let key else { return nil }
        if let (member, reason) = fault(certificate: certificate, privateKey: key, host: host) {
            domain.fail(member, code: "format", detail: reason)
            return nil
        }
        return DomainCertificate(
            of: record.id, host: host, certificate: certificate,
            wrappedPrivateKey: try fleet.wrap(Array(key.utf8), of: record.id))
    }

    /// Why a pair cannot be served for this host, and which of the two is at fault; nil for a good one.
    private func fault(certificate: String, privateKey: String, host: String) -> (member: String, reason: String)? {
        do throws(TLSError) {
            let pair = try TLSCertificate(chainPEM: Array(certificate.utf8), keyPEM: Array(privateKey.utf8))
            let reason = pair.fault(serving: host, atUnixSeconds: fleet.clock.now().milliseconds / 1_000)
            return reason.map { (member: "certificate", reason: $0) }
        } catch {
            if case .invalidKey(let reason) = error { return (member: "private_key", reason: reason) }
            return (member: "certificate", reason: error.description)
        }
    }
}

extension FieldReader {
    /// The names that the tenant is taken to have; nil: whichever it has.
    mutating func domainsWere() -> Set<String>? {
        guard let values = optionalArray("domains_were", count: 0...100) else { return nil }
        let names = values.compactMap { if case .string(let name) = $0 { name.lowercased() } else { nil } }
        if names.count < values.count { fail("domains_were", code: "type", detail: "must hold names alone") }
        return Set(names)
    }

    /// PEM text, which has line ends and so is not an ordinary string.
    fileprivate mutating func optionalPEM(_ name: String) -> String? {
        guard let value = value(name), value != .null else { return nil }
        guard case .string(let text) = value, text.hasPrefix("-----BEGIN "), text.utf8.count <= 64 << 10 else {
            fail(name, code: "format", detail: "must be PEM text")
            return nil
        }
        return text
    }
}
