package import Cryptography

/// What is asked of a file that came from elsewhere, before it takes the place of a tenant's (P5).
package struct FileExamination: Sendable, Equatable {
    package let path: String
    package let tenant: TenantID
    /// The tenant's key as the node knows it: the file's own word is worth nothing here.
    package let publicKey: [UInt8]
    package let currency: String
    /// A file that its tenant did not sign is examined all the same.
    package let acceptsUnsigned: Bool

    package init(path: String, tenant: TenantID, publicKey: [UInt8], currency: String, acceptsUnsigned: Bool) {
        self.path = path
        self.tenant = tenant
        self.publicKey = publicKey
        self.currency = currency
        self.acceptsUnsigned = acceptsUnsigned
    }
}

/// What a file says that was found to be sound.
package struct ExaminedFile: Sendable, Equatable {
    package let state: ExportSeal.State
    /// The hashes that open its keys.
    package let keyHashes: [Digest]

    package init(state: ExportSeal.State, keyHashes: [Digest]) {
        self.state = state
        self.keyHashes = keyHashes
    }
}

/// Why a file does not take the place of a tenant's.
package enum RestoreFailure: Error, Sendable, Equatable {
    case notATenantFile(String)
    case anotherTenant
    /// The schema differs from what this binary would have made, row for row.
    case schemaDiffers(String)
    case newerSchema
    case damaged([String])
    /// The file names a key that belongs to another tenant.
    case foreignKeyHash
    case unsigned
    case changedSinceSigned
    /// The tenant lives on another node now (P10).
    case moved
    /// The examination itself ended: what the file holds brought it down, or took more time or memory than it may.
    case notExamined(String)
}
