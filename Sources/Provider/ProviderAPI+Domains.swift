import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// A tenant's own host names, with the certificates that they are served with.
extension ProviderAPI {
    struct Domain: Sendable {
        let host: String
        let certificate: DomainCertificate?
    }

    /// They hold, for routing and for TLS, when this returns.
    func setDomains(_ domains: [Domain], of record: TenantRecord, _ call: Call, _ steps: Steps) async throws {
        let hosts = domains.map(\.host)
        let certificates = domains.compactMap(\.certificate)
        try await steps.callback { done in
            fleet.registry.setDomains(certificates, hosts: hosts, of: record.id, judge: call.provider.judge) { result in
                if case .success = result {
                    fleet.replaceCertificates(of: record.profile.domains + hosts, with: certificates)
                    fleet.roster.update(record) { $0.domains = hosts }
                    domainsChanged()
                }
                done(result)
            }
        }
    }

    /// `[{host, certificate?, private_key?}]`; nil where the call leaves domains as they are.
    func readDomains(_ fields: inout FieldReader, _ record: TenantRecord) throws -> [Domain]? {
        guard let values = fields.optionalArray("domains", count: 0...100) else { return nil }
        var domains: [Domain] = []
        for (index, value) in values.enumerated() {
            var domain = fields.reader(of: value, at: index, in: "domains")
            let host = domain.string("host", characters: 1...253)?.lowercased()
            if let host, !Self.isHostName(host) {
                domain.fail("host", code: "format", detail: "must be a host name without port")
            }
            if let host, domains.contains(where: { $0.host == host }) {
                domain.fail("host", code: "duplicate", detail: "comes twice")
            }
            let certificate = try readCertificate(&domain, of: host, record)
            domain.expectNoOthers(than: ["host", "certificate", "private_key"])
            fields.absorb(domain)
            if let host { domains.append(Domain(host: host, certificate: certificate)) }
        }
        return domains
    }

    private func readCertificate(
        _ domain: inout FieldReader, of host: String?, _ record: TenantRecord
    ) throws -> DomainCertificate? {
        let certificate = domain.optionalPEM("certificate")
        let key = domain.optionalPEM("private_key")
        if (certificate == nil) != (key == nil) {
            domain.fail("certificate", code: "required", detail: "certificate and private_key come together")
        }
        guard let host, let certificate, let key else { return nil }
        if let reason = Self.fault(certificate: certificate, privateKey: key) {
            domain.fail("certificate", code: "format", detail: reason)
            return nil
        }
        return DomainCertificate(
            host: host, certificate: certificate, wrappedPrivateKey: try fleet.wrap(Array(key.utf8), of: record.id))
    }

    /// Why a pair cannot be served; nil for a good one.
    private static func fault(certificate: String, privateKey: String) -> String? {
        do throws(TLSError) {
            _ = try TLSCertificate(chainPEM: Array(certificate.utf8), keyPEM: Array(privateKey.utf8))
            return nil
        } catch {
            return error.description
        }
    }

    private static func isHostName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count > 1
            && labels.allSatisfy { label in
                1...63 ~= label.utf8.count && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
            }
    }
}

extension FieldReader {
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
