import CallKit

extension Missing {
    static let logo = Missing("logo")
}
