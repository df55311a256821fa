import CallKit

extension Missing {
    static let logo = Missing("logo")
    static let theme = Missing("theme")
}
