import Cryptography
package import TenantRegistry

/// What every shared log has to do, whatever it is made of: one promise a case, tried on a log of the caller's.
package enum SharedLogCheck: String, CaseIterable, Sendable, CustomStringConvertible {
    case births = "a tenant is created once, and there is none before"
    case appends = "appends take their sequences at once and are told in order, and what was appended is read back"
    case pipelines = "many streams append many commits at once, each in its own order"
    case sizes = "a commit of one byte and one of three megabytes come back as they were"
    case fence = "who opens a tenant ends whoever wrote it before, for good"
    case owners = "a tenant is opened by its owner alone"
    case claims = "a claim takes what is still the dead node's, ends its writers, and takes nothing twice"
    case wakings = "a claim takes nothing of a node that has beaten, joined or gone since it was seen"
    case races = "of two nodes that claim the same tenants at the same time each tenant goes to one"
    case moves = "a tenant is handed over by its owner alone, and with it the right to write"
    case names = "a process that begins ends the earlier one of its name"
    case keys = "a node with another master key does not join"
    case views = "a beat shows nodes and beats, and owners from where they were known"
    case everybody = "where all may append, it takes effect where nobody came before"
    case ranges = "records are read from and up to a sequence, and prove that none is missing"
    case chains = "the chain is known at each sequence that the log still has"
    case snapshots = "a snapshot is read as it was put, and one that was broken off is none"
    case tails = "what was written since the newest snapshot is known, of a node's own tenants and of the registry"
    case resets = "a reset takes a sequence of its own, under the fence, and the tenant goes on from it"
    case trims = "what a trim leaves is enough for each snapshot that stays"
    case pasts = "the place in a tenant's history at a moment is known, and over a reset too"
    case retention = "a trim leaves what every moment of the days to keep is made of"
    case removals = "a tenant that was removed is gone, and nothing is appended to it"
    case levels = "a node's levels stay for whoever takes over"
    case departures = "a node is forgotten once it has left and owns nothing"

    package var description: String { rawValue }
}

/// A promise that a log broke.
package struct Nonconformance: Error, CustomStringConvertible {
    package let description: String
}

/// Runs one check. `make` gives another node's log of one and the same cluster each time. Nodes and tenants of a check
/// are its own; the registry is everybody's. Blocks; throws `Nonconformance`, or what the log threw.
package func conforms(_ check: SharedLogCheck, to make: () throws -> any SharedLog) throws {
    let scene = SharedLogScene(logs: [try make(), try make()])
    defer { for log in scene.logs { log.close() } }
    switch check {
    case .births: try scene.births()
    case .appends: try scene.appends()
    case .pipelines: try scene.pipelines()
    case .sizes: try scene.sizes()
    case .fence: try scene.fence()
    case .owners: try scene.owners()
    case .claims: try scene.claims()
    case .wakings: try scene.wakings()
    case .races: try scene.races()
    case .moves: try scene.moves()
    case .names: try scene.names()
    case .keys: try scene.keys()
    case .views: try scene.views()
    case .everybody: try scene.everybody()
    case .ranges: try scene.ranges()
    case .chains: try scene.chains()
    case .snapshots: try scene.snapshots()
    case .tails: try scene.tails()
    case .resets: try scene.resets()
    case .trims: try scene.trims()
    case .pasts: try scene.pasts()
    case .retention: try scene.retention()
    case .removals: try scene.removals()
    case .levels: try scene.levels()
    case .departures: try scene.departures()
    }
}

/// All of them, one after the other.
package func conforms(to make: () throws -> any SharedLog) throws {
    for check in SharedLogCheck.allCases { try conforms(check, to: make) }
}
