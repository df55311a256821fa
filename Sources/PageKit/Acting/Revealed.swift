import CallKit
import HTML
import HTTPCore

/// What an answer shows once and never again: a key, a secret, a link that sets a password. A value: any thread.
struct Revealed: Sendable {
    private let secrets: [(name: String, label: String, value: String)]
    private let next: Link
    private let url: String
    private let probe: KeyProbe?

    private static let labels = [
        ("key", "API key"), ("api_key", "API key"), ("apiKey", "API key"), ("secret", "Signing secret"),
        ("webhook_secret", "Signing secret"),
        ("invitation_url", "Link to set a password"), ("url", "Link to set a password"),
        ("password", "Password"), ("owner_key", "Owner's key"), ("provider_key", "Provider key"),
    ]
    /// Of these the ones that no answer has for anything else.
    private static let unmistakable: Set<String> = ["webhook_secret", "invitation_url", "owner_key", "provider_key"]

    /// Nil where the answer holds none. What it shows once is what a replay of the call leaves out; the node's calls
    /// are not replayed, and show what opens something under names of their own.
    init?(_ answer: Answer, of form: FormInput, _ visit: Visit) throws {
        let row = try Row(answer)
        let again = try answer.replayBody.map { Row(try JSON.parse($0)) }
        let isNodes = visit.call.realm.tenant == nil
        let found = Self.labels.compactMap { name, label -> (name: String, label: String, value: String)? in
            guard let value = row.optional(name), !value.isEmpty, again?.optional(name) == nil else { return nil }
            let isShownOnce = again != nil || isNodes || Self.unmistakable.contains(name)
            return isShownOnce ? (name: name, label: label, value: value) : nil
        }
        // Another press would make another one, while this one is lost with the page.
        assert(found.isEmpty || isNodes || again != nil, "a call that shows a secret once is replayed without it")
        // What a replay leaves out has a name that is known here.
        assert(again?.optional("already_shown") == nil || Self.showsAll(row, again), "a secret is shown under its name")
        guard !found.isEmpty else { return nil }
        secrets = found
        next = form.next(visit, row)
        url = visit.call.baseURL
        probe = KeyProbe(row)
    }

    /// Whether each member that a replay leaves out has a label.
    private static func showsAll(_ row: Row, _ again: Row?) -> Bool {
        row.members.allSatisfy { member in
            again?.json[member.name] != nil || labels.contains { $0.0 == member.name }
        }
    }

    var content: PageContent {
        PageContent(
            "Shown once",
            """
            <section class="panel once" role="status"><h2>Keep it now</h2>\
            <p>It is not shown again.</p>\
            \(each: Array(secrets.enumerated()), { box($0.offset, $0.element) })\
            <div class="actions">\(Button("I have kept it", leadsTo: next))</div></section>
            """)
    }

    /// One call that the new key makes, as a terminal takes it.
    private func tryLine(_ index: Int, _ key: String) -> HTML? {
        guard let line = probe?.line(key, url) else { return nil }
        return """
            <p class="sub">Try it</p>\(CopyBox(line, id: "try-\(index)", label: "line for a terminal", isBlock: true))
            """
    }

    private func box(_ index: Int, _ secret: (name: String, label: String, value: String)) -> HTML {
        """
        <p class="sub">\(secret.label)</p>\(CopyBox(secret.value, id: "secret-\(index)", label: secret.label))\
        \(if: Self.keys.contains(secret.name), tryLine(index, secret.value) ?? "")
        """
    }

    private static let keys: Set<String> = ["key", "api_key", "owner_key"]
}

/// A call that changes nothing and that a key may make, by what it is for. A value: any thread.
private struct KeyProbe: Sendable {
    private enum Place: Sendable {
        /// In a header, behind this.
        case header(String)
        /// In the query, by this name.
        case query(String)
    }

    private let path: String
    private let place: Place

    private static let people: Set<String> = ["owner", "operator", "support"]
    private static let byScope: [(scope: String, probe: KeyProbe)] = [
        ("partner:read", KeyProbe("/api/partner/v1/balance")),
        ("customers:read", KeyProbe("/v1/reseller/customers", .header("X-API-Key: "))),
        ("codes", KeyProbe("/api/reseller/me", .header("x-api-key: "))),
        ("licences", KeyProbe("/reseller/myavailable", .query("api_token"))),
        ("reseller:credit", KeyProbe("/api/v1/reseller/account")),
        ("reseller:signup", KeyProbe("/api/v1/reseller/account")),
    ]

    private init(_ path: String, _ place: Place = .header("Authorization: Bearer ")) {
        self.path = path
        self.place = place
    }

    /// Nil where no such call is known.
    init?(_ row: Row) {
        let scopes = row.texts("scopes")
        if Self.people.contains(row.optional("role") ?? "") {
            self.init("/api/admin/account")
        } else if let known = Self.byScope.first(where: { scopes.contains($0.scope) }) {
            self = known.probe
        } else {
            return nil
        }
    }

    func line(_ key: String, _ base: String) -> String {
        switch place {
        case .header(let name): "curl -H \"\(name)\(key)\" \(base)\(path)"
        case .query(let name): "curl \"\(base)\(path)?\(name)=\(key)\""
        }
    }
}
