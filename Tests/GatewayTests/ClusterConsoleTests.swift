import CallKit
import HTTPCore
import Synchronization
import TenantRegistry
import TestGateway
import TestTenants
import Testing

@testable import Gateway

/// The console of a cluster: one session at every node, and its end at all of them (U4, N5).
@Suite struct ClusterConsoleTests {
    @Test("N1 N5 U4 who signs in to the console at one node has at all, and signs out of all before that is answered")
    func console() async throws {
        try await withCluster(3) { cluster in
            let session = try await cluster.signIn(cluster.providerKey, from: 0, at: 1)
            var page = try await cluster.page("/console", session, at: 2)
            // The list says at which node each tenant is.
            #expect(page.status == 200 && page.text.contains("node-0"))
            let out = try #require(page.formToken)
            for index in 0..<3 {
                page = try await cluster.page("/console/tenants/hosting", session, at: index)
                #expect(page.status == 200 && page.field("Tollgate-Node") == "node-0")
                page = try await cluster.page("/console/nodes", session, at: index)
                #expect(page.status == 200 && page.text.contains("node-2"))
            }
            // One that cannot say it everywhere does not say that it is done.
            cluster[2].faults.isAway = true
            #expect(try await cluster.signOut(session, out, at: 2).status == 503)
            cluster[2].faults.isAway = false
            // One of the others hears nothing meanwhile.
            cluster[1].faults.isAway = true
            let left = try await cluster.signOut(session, out, at: 0)
            #expect(left.status == 303)
            #expect(try await cluster.page("/console", session, at: 0).status == 303)
            #expect(try await cluster.page("/console", session, at: 1).status == 503)
            try await until { cluster[2].fleet.cluster?.isServing == true }
            #expect(try await cluster.page("/console", session, at: 2).status == 303)
            cluster[1].faults.isAway = false
            try await until { cluster[1].fleet.cluster?.isServing == true }
            #expect(try await cluster.page("/console", session, at: 1).status == 303)
        }
    }

    @Test("N5 N6 case 7 a revoked provider key and its session open nothing at a node that is cut off from the log")
    func revokedWhileCutOff() async throws {
        try await withCluster { cluster in
            let key = #"{"name":"short","role":"admin"}"#
            let minted = try await cluster.asProvider("POST", "/provider-keys", key, to: 0)
            let (id, secret) = (try #require(minted["id"]), try #require(minted["key"]))
            let session = try await cluster.signIn(secret, from: 1, at: 1)
            let calls = ["/tenants", "/attention", "/nodes"].map {
                TestRequest("GET", "/provider/v1\($0)").bearer(secret)
            }
            for call in calls { #expect(try await cluster.send(call, to: 1).status == 200) }
            #expect(try await cluster.page("/console", session, at: 1).status == 200)
            cluster[1].faults.isAway = true
            #expect(try await cluster.asProvider("DELETE", "/provider-keys/\(id)", to: 0).status < 300)
            func opensNothing(_ moment: Comment) async throws {
                for call in calls {
                    let answer = try await cluster.send(call, to: 1)
                    #expect(answer.status == 503 && answer.code == "log_unavailable", moment)
                    #expect(answer.field("Retry-After") == "1", moment)
                }
                #expect(try await cluster.page("/console", session, at: 1).status == 503, moment)
                var door = TestRequest("GET", "/console/sign-in")
                // A name that may be a tenant's domain leads nowhere meanwhile.
                door.host = "127.0.0.1"
                #expect(try await cluster.send(door, to: 1).status == 200, moment)
                #expect(try await cluster.send(TestRequest("GET", "/healthz"), to: 1).status == 200, moment)
            }
            try await opensNothing("the lease runs, and the log cannot be read")
            try await until { cluster[1].fleet.cluster?.isServing == false }
            try await opensNothing("the lease is over")
            cluster[1].faults.isAway = false
            try await until { cluster[1].fleet.cluster?.isServing == true }
            for call in calls { #expect(try await cluster.send(call, to: 1).status == 401) }
            #expect(try await cluster.page("/console", session, at: 1).status == 303)
        }
    }
}

extension TestCluster {
    /// What a browser keeps that fetched the form from one node and sent it to another.
    fileprivate func signIn(_ key: String, from first: Int, at second: Int) async throws -> String {
        let door = try await send(TestRequest("GET", "/console/sign-in"), to: first)
        let (cookie, token) = (try #require(door.cookie), try #require(door.formToken))
        let signedIn = try await send(
            TestRequest("POST", "/console/sign-in", "_token=\(token)&key=\(key)").with("Cookie", cookie)
                .with("Content-Type", "application/x-www-form-urlencoded"), to: second)
        #expect(signedIn.status == 303)
        return try #require(signedIn.cookie)
    }

    /// `token`: of any of the session's forms.
    fileprivate func signOut(_ session: String, _ token: String, at index: Int) async throws -> TestResponse {
        try await send(
            TestRequest("POST", "/console/sign-out", "_token=\(token)").with("Cookie", session)
                .with("Content-Type", "application/x-www-form-urlencoded"), to: index)
    }
}
