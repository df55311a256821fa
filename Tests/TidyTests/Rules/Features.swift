/// A feature names what stands left of it in one list, and itself.
enum Features {
    static let order = [
        "Due", "Webhooks", "Resellers", "Keys", "People", "Ledger", "Catalogue", "Provisioning", "Orders", "Codes",
        "Licences",
        "Ports", "Credits",
        "Payments", "Reports", "Audit", "Tenant", "Verify", "Schema", "Surfaces", "Demo",
    ]

    /// What every feature may name, wherever it stands.
    static let shared = [
        "newPublicID": "ids are made in one place",
        "TenantMemory": "what is remembered of an open file is forgotten at once",
        "memory": "what is remembered of an open file is forgotten at once",
        "remember": "what is remembered of an open file is forgotten at once",
        "vouch": "the audit row says what was written, in the form that the proof reads",
    ]

    static func feature(of file: SourceFile) -> String? {
        file.folders.count > 2 && file.folders[1] == "TenantApp" ? String(file.folders[2]) : nil
    }

    /// Types and functions of one feature alone, and members that it gives to others' types, by name.
    private static func homes(_ product: [SourceFile], _ others: [SourceFile]) -> [String: String] {
        var homes: [String: Set<String>] = [:]
        let ownTypes = Set(product.flatMap { $0.declarations.filter { $0.kind == .type }.map(\.name) })
        for file in product {
            for declaration in file.declarations where !declaration.isLocal && declaration.kind != .initialiser {
                // What stands within a type of the product is that type's own affair, and no name of a feature.
                let isOpen =
                    declaration.owner.isEmpty
                    || declaration.owner.count == 1 && !ownTypes.contains(declaration.owner[0])
                let isOurs = isOpen && !declaration.isPrivate
                homes[declaration.name, default: []].insert(isOurs ? feature(of: file) ?? "" : "")
            }
        }
        for file in others {
            for declaration in file.declarations where !declaration.isLocal { homes[declaration.name] = nil }
        }
        return homes.compactMapValues { $0.count == 1 && $0.first != "" ? $0.first : nil }
    }

    /// `others` are the targets below: a name that they declare too says nothing of a feature.
    static func violations(_ product: [SourceFile], below others: [SourceFile]) -> [Violation] {
        let homes = homes(product, others)
        let places = Dictionary(order.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var found: [Violation] = []
        for file in product {
            guard let own = feature(of: file), let place = places[own] else {
                found.append(Violation(file.path, 1, "folder", "it stands in no feature of the list"))
                continue
            }
            // The wire brings features together, and a proof is written in the words of Verify.
            let kind = Kinds.kind(of: file)
            if kind == .wire || kind == .pages || kind == .proof { continue }
            var seen: Set<String> = []
            for token in file.tokens where token.kind == .word {
                guard let other = homes[token.text], other != own, let there = places[other], there > place,
                    shared[token.text] == nil, seen.insert(token.text).inserted
                else { continue }
                found.append(Violation(file.path, token.line, token.text, "\(own) stands left of \(other)"))
            }
        }
        return found
    }
}
