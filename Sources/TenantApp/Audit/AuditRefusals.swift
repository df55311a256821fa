package import CallKit

extension Missing {
    package static let auditRow = Missing("audit_row")
}
