/// Why a file is not opened as this tenant's.
package enum TenantFileError: Error, Sendable, CustomStringConvertible {
    case missing
    case notATenantFile(String)
    case anotherTenants
    case damaged(String)

    package var description: String {
        switch self {
        case .missing: "there is no file"
        case .notATenantFile(let reason): "this is not the file: \(reason)"
        case .anotherTenants: "the file or its WAL is another tenant's"
        case .damaged(let reason): "the file is damaged: \(reason)"
        }
    }
}
