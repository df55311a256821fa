import CallKit
import HTTPCore
import TenantRegistry

/// Provisioners, what they are asked for, and stock.
extension OperatorAdmin.Schemas {
    struct NewProvisioner: Sendable {
        let url: String
        let secret: [UInt8]?
        let timeoutSeconds: Int64
    }
    static let newProvisioner = Body(
        Field.webhookURL("url"), Field.signingSecret("secret").optional,
        Field.integer("timeout_seconds", Provisioner.timeoutSecondsRange).or(Provisioner.timeoutSecondsDefault)
    ).map { NewProvisioner(url: $0, secret: $1, timeoutSeconds: $2) }

    struct ShownProvisioner {
        let provisioner: Provisioner
        /// Nil for the tenant's own.
        let sku: String?
        /// Of one that was minted just now.
        let secret: String?
    }
    private static let provisionerMembers: [Shape<ShownProvisioner>.Member] = [
        .member("product", \.sku), .member("url", \.provisioner.url),
        .member("timeout_seconds", \.provisioner.timeoutSeconds), .member("created_at", \.provisioner.createdAt),
        .member("updated_at", \.provisioner.updatedAt),
    ]
    static let provisioner = Shape<ShownProvisioner>("Provisioner", provisionerMembers)
    static let madeProvisioner = Shape<ShownProvisioner>(
        provisionerMembers + [.omittable("secret", \.secret), .alreadyShown])

    enum QueueFilter: String, Sendable, CaseIterable {
        case open
        case stuck
    }
    static let queued = Shape<Provisioning>(
        "Provisioning",
        [
            .member("service", \.servicePublicID), .member("order", \.orderPublicID), .member("product", \.sku),
            .member("reseller", \.resellerPublicID), .member("mode", \.book), .member("state", \.state.shown),
            .member("wanted", \.state.wanted), .member("actual", \.state.actual), .member("verb", \.state.verb),
            .member("n", \.state.n), .member("phase", \.state.phase), .member("tries", \.state.tries),
            .member("since", \.state.since), .member("next_at", \.state.nextAt), .member("last_at", \.news?.at),
            .member("last_outcome", \.news?.outcome), .member("last_status", \.news?.status),
            .member("last_answer", \.news?.excerpt),
        ])
    static let confirmation = Body(Field.details("details").optional).omittable
    static let givingUp = Body(Field.text("reason", 1...SettleUnit.reasonCharactersMax))

    struct DryRun: Sendable {
        let sku: String?
        let verb: ProvisioningVerb
        let sends: Bool
    }
    static let dryRun = Body(
        Field.id("product", FieldReader.skuCharactersMax).optional,
        Field.choice("verb", ProvisioningVerb.self).or(.create),
        Field.bool("send").or(true)
    ).map { DryRun(sku: $0, verb: $1, sends: $2) }.omittable
    struct DryRunAnswer: Sendable {
        let request: ProvisioningRequest
        let headers: [(name: String, value: String)]
        /// Nil where nothing was sent.
        var outcome: String?
        var status: Int64?
        var answer: String?
    }
    static let dryRunAnswer: Schema = [
        "request": [
            "method": .string, "url": .string, "headers": .map(of: .string), "body": .string,
        ], "sent": .boolean, "outcome": .string.nullable, "status": .integer.nullable, "answer": .string.nullable,
    ]

    static let activation = Body(Field.details("details").optional).omittable
    static let rejection = Body(Field.text("reason", 1...SettleUnit.reasonCharactersMax).optional).omittable
    /// By name: null takes one away.
    static let detailsChange: Schema = [
        "details": .map(of: (["value": .string, "secret": .boolean.optional] as Schema).nullable)
            .with("minProperties", .int(1))
    ]

    /// A service as the operator sees it.
    struct KnownService {
        let whole: WholesaleOrders.Schemas.WholeService
        let terms: ServiceTerms
    }
    static let serviceWithDetails = Shape<KnownService>(
        "ServiceWithDetails",
        [
            .part(service.members, \.whole.service), .part(WholesaleOrders.Schemas.detailMembers, \.whole),
            .member("renewal_amount", \.terms.renewalAmount), .member("amount_today", \.terms.amountToday),
            .member("next_try_at", \.terms.nextTryAt), .member("suspends_at", \.terms.suspendsAt),
            .currency("currency"),
        ])
    static let charge = Shape<ServiceCharge>(
        "ServiceCharge",
        [
            .member("period", \.period), .member("begins_at", \.begins), .member("ends_at", \.ends),
            .member("amount", \.amount), .currency("currency"), .member("charged_at", \.at),
            .member("posting", \.posting),
        ])

    static let stockFile = Schema.file("text/csv")
    static let importedStock: Schema = ["ok": .boolean, "imported": .integer]
    struct ProductStock {
        let sku: String
        let book: Book
        let counts: StockCounts
    }
    static let stockCounts = Shape<ProductStock>([
        .member("product", \.sku), .member("mode", \.book), .member("free", \.counts.free),
        .member("sold", \.counts.sold), .member("withdrawn", \.counts.withdrawn),
    ])
    static let stockItem = Shape<StockItem>(
        "StockItem",
        [
            .member("id", \.publicID), .member("created_at", \.createdAt), .member("sold_at", \.soldAt),
            .member("service", \.servicePublicID), .member("withdrawn_at", \.withdrawnAt),
        ])
}
