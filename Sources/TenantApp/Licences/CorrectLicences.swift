package import CallKit
import HTTPCore
package import TenantRegistry

/// Takes free licences out of stock, or gives them to another reseller or product (O9): all or none. What is assigned,
/// or was fetched a moment ago and is perhaps being sold, stays.
package struct CorrectLicences: Sendable {
    /// So many at once: they are one transaction, and other calls wait for it.
    package static let keysMax = 100

    package let keys: [String]
    package let book: Book
    /// Both nil: they are withdrawn.
    package let reseller: String?
    package let product: String?
    package let keyID: Int64
    package let accountID: Int64

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws {
        let resellerID = try reseller.map { try tenant.standingReseller($0).id }
        let productID = try product.map { try tenant.knownProduct($0).id }
        var withdrawn: [WithdrawnLicence] = []
        var errors: [FieldError] = []
        var conflict: Conflict?
        for (index, key) in keys.enumerated() {
            guard let licence = try tenant.licence(key: key, resellerID: nil, book: book) else {
                errors.append(
                    FieldError(pointer: "/keys/\(index)", code: "unknown", detail: "is the key of no licence in stock"))
                continue
            }
            if licence.assignedAt != nil {
                conflict = conflict ?? .licenceAssigned.saying("The licence at /keys/\(index) has been assigned.")
            } else if licence.heldUntil > tenant.now {
                conflict =
                    conflict
                    ?? .licenceHeld.saying("The licence at /keys/\(index) is held until \(licence.heldUntil.text).")
            }
            guard resellerID != nil || productID != nil else {
                withdrawn.append(WithdrawnLicence(licence: licence, successor: nil))
                continue
            }
            guard let now = try tenant.productID(ofLicence: licence.id) else { throw Refusal.defect }
            let to = (resellerID: resellerID ?? licence.resellerID, productID: productID ?? now)
            // Whoever has it already has it.
            if to == (licence.resellerID, now) { continue }
            withdrawn.append(WithdrawnLicence(licence: licence, successor: to))
        }
        guard errors.isEmpty else { throw Refusal.invalid(errors) }
        if let conflict { throw Refusal.conflict(conflict) }
        detail.note("licences", String(withdrawn.count))
        if let reseller { detail.note("reseller", reseller) }
        if let product { detail.note("product", product) }
        try tenant.withdraw(withdrawn, book: book, keyID: keyID, accountID: accountID, detail: &detail)
    }
}
