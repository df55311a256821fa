package import HTTPCore
package import TenantRegistry

/// What a caller has already, or means to change, by its tag (RFC 9110, §13.1).
extension RequestHead {
    /// Whether the caller says that it has what the tag names.
    package func has(_ tag: EntityTag) -> Bool { joinedValues(of: .ifNoneMatch).map { tag.isNamed(in: $0) } ?? false }

    /// What the caller means to change and nothing else, as `EntityTag.isMeant` reads it; nil: whatever is there.
    package var meant: String? { joinedValues(of: .ifMatch) }
}
