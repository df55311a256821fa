package import CallKit
package import TenantRegistry

/// Moves a service by an operator's hand (O10): suspend, resume, cancel. Units of a pending order are decided
/// with their order.
package struct ChangeService {
    package enum Move: String, Sendable, CaseIterable {
        case suspend
        case resume
        case cancel
    }

    package let serviceID: String
    package let move: Move
    /// Of the key that calls: one of mode `test` moves services of the test book alone.
    package let callerBook: Book

    package init(serviceID: String, move: Move, callerBook: Book = .live) {
        self.serviceID = serviceID
        self.move = move
        self.callerBook = callerBook
    }

    package static func state(after move: Move, from state: ServiceState) -> ServiceState? {
        switch (state, move) {
        case (.active, .suspend), (.pastDue, .suspend): .suspended
        case (.suspended, .resume): .active
        case (.active, .cancel), (.pastDue, .cancel), (.suspended, .cancel): .cancelled
        default: nil
        }
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Service {
        guard let service = try tenant.service(publicID: serviceID, resellerID: nil, book: nil) else {
            throw Refusal.notFound(.service)
        }
        try callerBook.judgeWrite(to: service.book)
        guard let next = Self.state(after: move, from: service.state) else {
            throw Refusal.conflict(.service(service.state, cannot: move))
        }
        detail.resellerID = service.resellerID
        detail.note("service", service.publicID)
        detail.note("state", next.rawValue)
        try tenant.setState(of: service, to: next)
        if next == .cancelled {
            try tenant.addUnits(-1, resellerID: service.resellerID, productID: service.productID, book: service.book)
        }
        guard let changed = try tenant.service(publicID: serviceID, resellerID: nil, book: nil) else {
            throw Refusal.defect
        }
        switch move {
        case .suspend:
            try tenant.want(.suspended, ofService: service.id)
            return try tenant.emitService(.serviceSuspended, changed)
        case .resume:
            try tenant.want(.active, ofService: service.id)
            return try tenant.emitService(.serviceResumed, changed)
        case .cancel:
            try tenant.want(.terminated, ofService: service.id)
            return try tenant.emitService(.serviceCancelled, changed)
        }
    }
}
