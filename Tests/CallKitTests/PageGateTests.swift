import CallKit
import HTTPCore
import Testing

/// Whose cookie a page's is, and which forms are ours (U4).
@Suite struct PageGateTests {
    private func head(_ target: String, _ fields: (String, String)...) -> RequestHead {
        RequestHead(.post, target, [("Host", "gate.example")] + fields.map { (name: $0.0, value: $0.1) })
    }

    private func session(_ target: String, _ cookies: String, isSecure: Bool = false) -> String? {
        let head = head(target, ("Cookie", cookies))
        return PageCookie.place(of: .session, in: head, isSecure: isSecure).map { head.string($0) }
    }

    @Test("U4 the path says whose cookie counts; at a host of its own it is the tenant's one")
    func whose() {
        let all = "a=1; tg-acme=A; tg-acme-2=B; tg-console=C; tg-acme.form=F; tg-=E"
        #expect(session("/t/acme/admin", all) == "A")
        #expect(session("/t/acme-2/admin?x=/t/acme/", all) == "B")
        #expect(session("/console/log", all) == "C")
        #expect(session("/console", all) == "C")
        #expect(session("/t/other/admin", all) == nil)
        #expect(session("/t/acme.form/admin", all) == nil)
        #expect(session("/admin", "tg-console=C; tg-acme.form=F; tg-acme=A") == "A")
        #expect(session("/consoles", "tg-console=C") == nil)
        #expect(session("/t/acme/admin", "tg-acme=") == nil)
        #expect(session("/t/acme/admin", ";;  ; tg-acme=A;") == "A")
        #expect(session("/t/acme/admin", "xtg-acme=A; tg-acmex=B; TG-acme=C") == nil)
        let apart = head("/t/acme/admin", ("Cookie", "a=1"), ("Cookie", "tg-acme=A"), ("Cookie", "tg-acme=B"))
        #expect(PageCookie.place(of: .session, in: apart).map { apart.string($0) } == "A")
    }

    @Test("U4 a form's cookie is no session's, and no session's a form's")
    func purposes() {
        let head = head("/t/acme/apply", ("Cookie", "tg-acme=A; tg-acme.form=F; __Host-tg-acme.form=G"))
        #expect(PageCookie.place(of: .form, in: head).map { head.string($0) } == "G")
        #expect(PageCookie.place(of: .session, in: head).map { head.string($0) } == "A")
    }

    @Test("U4 what TLS has guarded goes first, and over TLS alone counts")
    func guarded() {
        #expect(session("/t/acme/x", "tg-acme=A; __Host-tg-acme=B") == "B")
        #expect(session("/t/acme/x", "tg-acme=A; __Host-tg-acme=B", isSecure: true) == "B")
        #expect(session("/t/acme/x", "tg-acme=A", isSecure: true) == nil)
        #expect(session("/t/acme/x", "__host-tg-acme=A; __Host-tg-acme2=B", isSecure: true) == nil)
    }

    private func isOurs(_ origin: String?, _ site: String?, isSecure: Bool = false, publicURL: String? = nil) -> Bool {
        var fields: [(name: String, value: String)] = [("Host", "gate.example:8443")]
        if let origin { fields.append(("Origin", origin)) }
        if let site { fields.append(("Sec-Fetch-Site", site)) }
        let head = RequestHead(.post, "/t/acme/admin", fields)
        return (try? FormGate.session.judge(head, isSecure: isSecure, publicURL: publicURL)) != nil
    }

    @Test("U4 a form is ours by what its browser says of where it comes from")
    func origins() {
        #expect(isOurs(nil, nil) && isOurs(nil, "same-origin") && isOurs(nil, "none"))
        #expect(isOurs("https://gate.example:8443", "same-origin", isSecure: true))
        #expect(isOurs("https://GATE.example:8443", nil) && isOurs("http://gate.example:8443", nil))
        #expect(!isOurs("http://gate.example:8443", nil, isSecure: true))
        #expect(isOurs("null", "same-origin") && !isOurs("null", nil) && !isOurs("null", "cross-site"))
        for site in ["cross-site", "same-site", "", "same-origin,none", "SAME-ORIGIN"] {
            #expect(!isOurs("https://gate.example:8443", site), "\(site)")
        }
        for origin in [
            "https://evil.example", "https://gate.example", "https://gate.example:443",
            "https://gate.example.evil:8443",
            "https://x.gate.example:8443", "ftp://gate.example:8443", "gate.example:8443", "", "https://",
            "https://gate.example:8443,https://evil.example",
        ] {
            #expect(!isOurs(origin, nil), "\(origin)")
        }
        #expect(isOurs("https://shop.example", nil, publicURL: "https://shop.example/"))
        #expect(!isOurs("http://shop.example", nil, publicURL: "https://shop.example"))
    }

    private func passes(_ gate: FormGate, _ cookie: String?, _ body: String, _ fields: (String, String)...) -> Bool {
        var all = [(name: "Content-Type", value: "application/x-www-form-urlencoded")]
        if let cookie { all.append(("Cookie", cookie)) }
        all += fields.map { (name: $0.0, value: $0.1) }
        let head = RequestHead(.post, "/t/acme/x", [("Host", "gate.example")] + all)
        return (try? gate.judge(head, body: Array(body.utf8), isSecure: false)) != nil
    }

    @Test("U4 a form carries the token of the cookie that comes with it, once")
    func tokens() {
        let token = FormGate.token(for: Array("A".utf8))
        #expect(token.utf8.count == 22 && token != FormGate.token(for: Array("B".utf8)))
        #expect(passes(.session, "tg-acme=A", "x=1&_token=\(token)"))
        #expect(!passes(.session, "tg-acme=B", "x=1&_token=\(token)"))
        #expect(!passes(.session, "tg-acme.form=A", "x=1&_token=\(token)"))
        #expect(!passes(.session, nil, "x=1&_token=\(token)"))
        #expect(!passes(.session, "tg-acme=A", "x=1"))
        #expect(!passes(.session, "tg-acme=A", "_token=\(token)&_token=\(token)"))
        #expect(!passes(.session, "tg-acme=A", "_token=\(token.dropLast())"))
        #expect(passes(.open, "tg-acme.form=A", "_token=\(token)") && !passes(.open, nil, "x=1"))
    }

    @Test("U4 a form with a file that cannot be read is told so, and not that its session is over")
    func unreadable() throws {
        let token = FormGate.token(for: Array("A".utf8))
        let part = "--b\r\nContent-Disposition: form-data; name=\"_token\"\r\n\r\n\(token)\r\n"
        func judge(_ type: String, _ body: String) throws {
            let head = RequestHead(
                .post, "/t/acme/x", [("Host", "gate.example"), ("Content-Type", type), ("Cookie", "tg-acme=A")])
            try FormGate.session.judge(head, body: Array(body.utf8), isSecure: false)
        }
        try judge("multipart/form-data; Boundary=\"b\"", part + "--b--\r\n")
        for (type, body) in [
            ("multipart/form-data; boundary=b", part), ("multipart/form-data; boundary=c", part + "--b--"),
            ("multipart/form-data", part + "--b--"), ("multipart/form-data; boundary=b", "x" + part + "--b--"),
        ] {
            #expect(throws: Refusal.unparseable("The form cannot be read: its parts do not fit together.")) {
                try judge(type, body)
            }
        }
        #expect(throws: Refusal.forbidden(.staleForm)) { try judge("multipart/form-data; boundary=b", "--b--") }
    }

    @Test("U4 O13 a program posts to an open page without a token, a browser does not")
    func programs() {
        #expect(passes(.openToPrograms, nil, "x=1"))
        #expect(!passes(.openToPrograms, nil, "x=1", ("Origin", "http://gate.example")))
        #expect(!passes(.openToPrograms, nil, "x=1", ("Sec-Fetch-Site", "same-origin")))
        #expect(!passes(.openToPrograms, "tg-acme.form=A", "x=1"))
    }
}
