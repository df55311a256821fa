import CallKit
import Cryptography
import TenantRegistry

/// What an open file has said and every order asks again: kept between jobs, so that it is not read for each.
///
/// Invariant: it never says what the file does not. Whoever writes such a row takes its place here back in the same
/// function, and whenever anything is undone all of it is forgotten. Used by the worker that runs the tenant's lane, as
/// the file.
final class TenantMemory: StoreMemory {
    /// Entries of one kind; past it the kind starts over.
    static let entriesMax = 4_096

    struct AccountKey: Hashable {
        let account: LedgerAccount
        let book: Book
    }

    struct PriceKey: Hashable {
        let resellerID: Int64
        let sku: String
        let book: Book
    }

    struct EndpointsKey: Hashable {
        let resellerID: Int64
        let book: Book
    }

    /// By the secret's hash; true while the file's projection has this epoch.
    var standings: [Digest: (epoch: Int64, secretExpiresAt: Timestamp?, standing: KeyStanding)] = [:]
    var accounts: [AccountKey: AccountStand] = [:]
    var resellers: [Int64: Reseller] = [:]
    var prices: [PriceKey: PricedProduct] = [:]
    /// By reseller, newest first.
    var webhookSecrets: [Int64: [(secret: [UInt8], expiresAt: Timestamp?)]] = [:]

    /// Where a reseller's events go.
    var endpoints: [EndpointsKey: [WebhookEndpoint]] = [:]

    /// Bytes of the file that a reseller has filled, as the file says.
    var rooms: [Int64: Int64] = [:]

    /// Of the file they say nothing, so they outlive what is undone.
    var unreadablePorts = PutOff()
    var unreadableServices = PutOff()

    /// The tenant's one, which never changes.
    var currency: Currency?

    func forget() {
        standings.removeAll()
        accounts.removeAll()
        resellers.removeAll()
        prices.removeAll()
        webhookSecrets.removeAll()
        endpoints.removeAll()
        rooms.removeAll()
    }
}

extension Dictionary {
    /// Remembers a value; a dictionary that is full starts over.
    mutating func remember(_ value: Value, for key: Key) {
        if count >= TenantMemory.entriesMax { removeAll() }
        self[key] = value
    }
}

extension TenantReader {
    var memory: TenantMemory {
        if let known = store.memory as? TenantMemory { return known }
        let made = TenantMemory()
        store.memory = made
        return made
    }
}
