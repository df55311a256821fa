package import CallKit

/// A code as events show it: as its reseller's list does (A8).
extension ActivationCode: EventObject {
    package static let revised: RevisedRows? = nil
    package static let told = ActivationCodes.Schemas.toldCode
    package var publicID: String { code }
}
