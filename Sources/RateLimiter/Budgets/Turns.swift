/// A line in which payers take turns: first the tenants among each other, then the payers of one tenant. However much
/// one of them has put in, the next one's first element comes after at most one of each. A value; as long as whoever
/// lets elements in has them be.
package struct Turns<Element> {
    private struct OfTenant {
        var waiting: [Payer: [Element]] = [:]
        var order: [Payer] = []

        mutating func takeFirst(of payer: Payer) -> Element? {
            guard var elements = waiting.removeValue(forKey: payer), !elements.isEmpty else { return nil }
            let first = elements.removeFirst()
            if !elements.isEmpty { waiting[payer] = elements }
            return first
        }
    }

    private var tenants: [UInt128: OfTenant] = [:]
    private var order: [UInt128] = []
    package private(set) var count = 0

    package init() {}

    package mutating func append(_ element: Element, of payer: Payer) {
        count += 1
        if tenants[payer.tenant] == nil { order.append(payer.tenant) }
        var line = tenants.removeValue(forKey: payer.tenant) ?? OfTenant()
        if line.waiting[payer] == nil { line.order.append(payer) }
        line.waiting[payer, default: []].append(element)
        tenants[payer.tenant] = line
    }

    package mutating func popFirst() -> (Payer, Element)? {
        guard !order.isEmpty else { return nil }
        let tenant = order.removeFirst()
        guard var line = tenants.removeValue(forKey: tenant) else { return nil }
        let payer = line.order.removeFirst()
        guard let element = line.takeFirst(of: payer) else { return nil }
        if line.waiting[payer] != nil { line.order.append(payer) }
        if !line.order.isEmpty {
            tenants[tenant] = line
            order.append(tenant)
        }
        count -= 1
        return (payer, element)
    }

    /// Takes the newest element that may go of the payer of this tenant that has most, where that is more than `payer`
    /// would have with one more: whoever has much makes room for whoever has little.
    package mutating func yield(
        to payer: Payer, where mayGo: (Element) -> Bool = { _ in true }
    ) -> (Payer, Element)? {
        guard var line = tenants[payer.tenant] else { return nil }
        let own = line.waiting[payer]?.count ?? 0
        let richer = line.waiting.filter { $0.value.count > own + 1 && $0.value.contains(where: mayGo) }
        guard let most = richer.max(by: { $0.value.count < $1.value.count }),
            let place = most.value.lastIndex(where: mayGo)
        else { return nil }
        line.waiting[most.key]?.remove(at: place)
        tenants[payer.tenant] = line
        count -= 1
        return (most.key, most.value[place])
    }
}
