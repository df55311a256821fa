import CallKit
import TenantRegistry

extension Conflict {
    static let moveConfirmed = Conflict(
        "move_confirmed", "The tenant lives on the other node: a confirmed move stays.")
    static let noCluster = Conflict("no_cluster", "This node is by itself: it is in no cluster.")
    static let lastNode = Conflict("last_node", "No other node takes tenants.")
    static let notMoved = Conflict("tenant_not_moved", "The tenant is not on its way to another node.")
    static let notCancelled = Conflict("tenant_not_cancelled", "The tenant is not cancelled.")
    static let pastNotKept = Conflict(
        "past_not_kept", "This node keeps no past: it has no log of its commits (serve --commits log, or --cluster).")
    static let pastHasGap = Conflict(
        "past_has_gap", "What is kept of the tenant's past misses a commit from before this moment.")
    static let pastLeapt = Conflict(
        "past_leapt", "The clock had leapt: nobody can say which commits came before this moment.")
    static let notDeleting = Conflict("no_deletion_planned", "No deletion of the tenant is planned.")

    static func exportPeriodOver(days: Int64) -> Conflict {
        Conflict("export_period_over", "Exports were possible for \(days) days.")
    }

    /// Nil: not yet.
    static func beforePast(_ begin: Timestamp?) -> Conflict {
        let text =
            begin.map { "is kept from \($0.text) on" } ?? "is not kept yet"
        return Conflict("before_past", "The tenant's past \(text).")
    }

    /// `hosts`: what is there now.
    static func domainsMoved(_ hosts: [String]) -> Conflict {
        let now = hosts.isEmpty ? "it has none" : "it has \(hosts.sorted().joined(separator: ", "))"
        return Conflict(
            "domains_moved", "The tenant's domains are not, or no longer, those in domains_were: \(now).", status: 412)
    }

    static func refundPeriodOver(_ until: Timestamp) -> Conflict {
        Conflict("refund_period_over", "Refunds were possible until \(until.text).")
    }

    static func tenant(_ state: TenantState) -> Conflict {
        switch state {
        case .creating: Conflict("tenant_creating", "The tenant is creating.")
        case .active: Conflict("tenant_active", "The tenant is active.")
        case .suspended: Conflict("tenant_suspended", "The tenant is suspended.")
        case .cancelled: Conflict("tenant_cancelled", "The tenant is cancelled.")
        case .refunded: Conflict("tenant_refunded", "The tenant is refunded.")
        case .deleting: Conflict("tenant_deleting", "The tenant is deleting.")
        case .moved: Conflict("tenant_moved", "The tenant has moved to another node.")
        }
    }
}

extension Unprocessable {
    static let notABundle = Unprocessable(
        "not_a_bundle", "This is no tenant's bundle: ?with_secrets=true makes one of an export.")
    static let bundleNewer = Unprocessable("bundle_newer", "A newer Tollgate wrote this bundle.")
    static let wrongPassphrase = Unprocessable("wrong_passphrase", "The passphrase does not open this bundle.")
    static let bundleDamaged = Unprocessable(
        "bundle_damaged", "The bundle is not as it was written: it was changed or cut short.")

    /// Whoever sealed it wrote it so.
    static func bundleMember(_ name: String) -> Unprocessable {
        bundleDamaged.saying("The bundle is not as it was written: no tenant has such a \(name).")
    }

    static func unknownBlueprint(_ name: String) -> Unprocessable {
        Unprocessable("unknown_blueprint", "This node has no blueprint \(name).")
    }

    static let anotherTenantsFile = Unprocessable("another_tenants_file", "This is another tenant's file.")
    static let schemaNewer = Unprocessable("schema_newer", "A newer Tollgate wrote this file.")
    static let foreignKey = Unprocessable("foreign_key", "The file names a key of another tenant.")

    static let exportUnsigned = Unprocessable(
        "export_unsigned", "The tenant's gateway did not sign this file. ?unsigned=accept takes it where it is sound.")
    static let exportChanged = Unprocessable(
        "export_changed",
        "The file was changed since the tenant's gateway signed it, or another signed it. ?unsigned=accept takes it where it is sound."
    )
    static let fileNotExamined = Unprocessable(
        "file_not_examined", "The file could not be examined: what it holds brought the examination down.")

    static func notATenantFile(_ reason: String) -> Unprocessable {
        Unprocessable("not_a_tenant_file", "This is no tenant's file: \(reason).")
    }

    static func schemaDiffers(_ what: String) -> Unprocessable {
        Unprocessable("schema_differs", "The schema is not Tollgate's: \(what) differs.")
    }

    static func fileDamaged(_ faults: String) -> Unprocessable {
        Unprocessable("file_damaged", "The file does not verify: \(faults).")
    }
}
