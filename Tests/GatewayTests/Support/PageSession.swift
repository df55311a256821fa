import CallKit
import Foundation
import TestGateway

/// Whoever has signed in by a form of the pages: the cookie that the browser keeps. A value.
struct PageSession: Sendable {
    let cookie: String

    /// `form`: its fields beside the token.
    init(_ gateway: TestGateway, at path: String, _ form: [(name: String, value: String)]) async throws {
        let door = try await gateway.send(TestRequest("GET", path).with("Accept", "text/html"))
        guard let before = door.cookie, let token = door.formToken else { throw TestGateway.Unexpected(door) }
        var fields = form
        fields.append((name: "_token", value: token))
        let signedIn = try await gateway.send(
            TestRequest("POST", path).form(fields).with("Cookie", before).with("Accept", "text/html"))
        guard signedIn.status == 303, let cookie = signedIn.cookie else { throw TestGateway.Unexpected(signedIn) }
        self.cookie = cookie
    }

    private var value: String { String(cookie.drop { $0 != "=" }.dropFirst()) }

    /// The token that goes with it, in every form that a page would have shown.
    var token: String { FormGate.token(for: Array(value.utf8)) }

    /// The same value under the name that the pages of another owner look for.
    func renamed(for owner: String) -> String { "tg-\(owner)=\(value)" }
}

extension TestTenant {
    func signIn(_ email: String, _ password: String) async throws -> PageSession {
        try await PageSession(
            gateway, at: path("/sign-in"), [(name: "email", value: email), (name: "password", value: password)])
    }
}

extension TestRequest {
    /// With the body that a browser makes of a form: it leaves these four as they are.
    func form(_ fields: [(name: String, value: String)]) -> TestRequest {
        let kept = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "*-._"))
        let pairs = fields.map { field in
            "\(field.name)=\(field.value.addingPercentEncoding(withAllowedCharacters: kept) ?? "")"
        }
        return carrying(Array(pairs.joined(separator: "&").utf8))
            .with("Content-Type", "application/x-www-form-urlencoded")
    }
}
