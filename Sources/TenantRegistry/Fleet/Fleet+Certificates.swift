import Synchronization

/// The certificates of custom domains, as memory has them (P2).
extension Fleet {
    package var certificates: [DomainCertificate] { certificatesCell.withLock { $0 } }

    /// `changed` is called whenever a custom domain has another certificate or goes: here before the call that changed
    /// it is answered, at the cluster's other nodes a moment after they followed (N5). Never on a loop.
    package func watchCertificates(_ changed: @escaping @Sendable () -> Void) {
        certificatesWatch.withLock { $0 = changed }
    }

    func tellOfCertificates() {
        let changed = certificatesWatch.withLock { $0 }
        changed()
    }

    /// Off the registry's lane, which waits for no parsing.
    func tellOfCertificatesAside() {
        if !files.submit({ [self] in tellOfCertificates() }) { tellOfCertificates() }
    }

    /// `new`: all that the tenant has now. Whether any of its hosts has another certificate. A host that it had may be
    /// another tenant's by now, whose certificate stays: what others changed is followed in any order.
    @discardableResult
    func replaceCertificates(of tenant: TenantID, with new: [DomainCertificate]) -> Bool {
        certificatesCell.withLock { all in
            let old = all.filter { $0.tenant == tenant }
            all.removeAll { $0.tenant == tenant }
            all += new
            return old.count != new.count || !new.allSatisfy { old.contains($0) }
        }
    }

    /// Of a tenant that was erased, and is in the roster no more.
    func forgetCertificates(of record: TenantRecord) {
        if replaceCertificates(of: record.id, with: []) { tellOfCertificatesAside() }
    }
}
