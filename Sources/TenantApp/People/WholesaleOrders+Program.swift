import CallKit
import HTTPCore
import TenantRegistry

/// The programme that a reseller is in: whose it is, since when, and whom to ask (W1, U3).
extension WholesaleOrders {
    static let program: [Route] = [
        Route(
            .get, "/program", "Read whose programme you are in, since when, and whom to ask", access: .reseller([]),
            openIn: [.pending], gives: .read(programShape)
        ) { call in
            .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                return .json(programShape, try tenant.program(of: reseller), in: tenant.currency)
            }
        }
    ]

    fileprivate struct Program: Sendable {
        let name: String
        let reseller: Reseller
        let approvedBy: String?
        let allowsSelfActivation: Bool
        let offersSandbox: Bool
        let contacts: [Account]
    }

    private static let programShape = Shape<Program>(
        "Program",
        [
            .member("name", \.name), .member("status", \.reseller.state), .member("applied_at", \.reseller.createdAt),
            .member("approved_at", \.reseller.approvedAt), .member("approved_by", \.approvedBy),
            .member("self_activation", \.allowsSelfActivation), .member("sandbox_before_approval", \.offersSandbox),
            .currency("currency"),
            .list("contacts", Shape([.member("name", \.name), .member("email", \.email)]), \.contacts),
        ])

    /// So many of the owners are named.
    fileprivate static let contactsMax = 5
}

extension TenantReader {
    fileprivate func program(of reseller: Reseller) throws -> WholesaleOrders.Program {
        WholesaleOrders.Program(
            name: try theme(at: "").name, reseller: reseller,
            approvedBy: try reseller.approvedBy.flatMap { try account(id: $0) }.map {
                $0.name.isEmpty ? $0.email : $0.name
            },
            allowsSelfActivation: try allowsSelfActivation(), offersSandbox: try offersSandbox(),
            contacts: try people(
                role: .owner, state: .active, email: nil, after: 0, limit: WholesaleOrders.contactsMax))
    }
}
