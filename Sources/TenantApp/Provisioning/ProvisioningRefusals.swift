import CallKit

extension Missing {
    static let provisioner = Missing("provisioner")
    static let provisioning = Missing("provisioning")
    static let stockItem = Missing("stock_item")
}

extension Conflict {
    static func nothingIsAsked(_ state: ProvisioningState.Shown) -> Conflict {
        Conflict("nothing_is_asked", "Nothing is asked of the provisioner: the unit is \(state.rawValue).")
    }

    static func outOfStock(_ sku: String, wanted: Int64, free: Int64) -> Conflict {
        Conflict("out_of_stock", "\(wanted) of \(sku) are wanted; \(free) are in stock.")
    }

    static let stockItemSold = Conflict("stock_item_sold", "The item has been sold.")
}
