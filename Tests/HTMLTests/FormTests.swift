import HTML
import Testing

/// What forms and fields say to a browser and to those who cannot see them.
@Suite struct Forms {
    private let tokens = FormTokens(csrf: "tok", once: "once")

    @Test("U4 a form that posts has the session's token and one for pressing twice, and names the call that it makes")
    func posting() throws {
        let form = Form(
            call: "PATCH /resellers/res_1", tokens: tokens, said: "saved", next: Link("/admin"), swap: "limit"
        ) { "<p>x</p>" }
        let expected: HTML = """
            <form method="post" data-swap="limit"><input type="hidden" name="_call" value="PATCH /resellers/res_1">\
            <input type="hidden" name="_token" value="tok"><input type="hidden" name="_once" value="once">\
            <input type="hidden" name="_said" value="saved"><input type="hidden" name="_next" value="/admin">\
            <p>x</p></form>
            """
        #expect(form.html == expected)
        let plain: HTML = """
            <form method="post" action="/sign-in"><input type="hidden" name="_token" value="tok">\
            <input type="hidden" name="_once" value="once"></form>
            """
        #expect(Form(open: tokens, to: Link("/sign-in")) { "" }.html == plain)
        let upload = Form(call: "POST /x", tokens: tokens, sendsFiles: true) { "" }.html
        #expect(text(upload).hasPrefix("<form method=\"post\" enctype=\"multipart/form-data\">"))
    }

    @Test("U4 a form that asks for a page has no token: it would stand in the address")
    func asking() {
        let form = Form.get(Link("/orders"), keeping: [("mode", "test")]) {
            "\(Field("Id", name: "id", kind: .search))"
        }
        #expect(
            text(form).hasPrefix(
                "<form method=\"get\" action=\"/orders\" class=\"filters\">"
                    + "<input type=\"hidden\" name=\"mode\" value=\"test\"><div class=\"field\">"))
        for hidden in Form.Hidden.allCases { #expect(!text(form).contains(hidden.rawValue)) }
    }

    @Test("U5 a field's hint and its error are said with it, and an error marks it")
    func notes() {
        let field = Field(
            "Slug", name: "slug", value: "a b", hint: "Letters", error: "No spaces", charactersMin: 2,
            charactersMax: 20, autocomplete: "off", size: .short, isFirst: true, scope: "new")
        let expected: HTML = """
            <div class="field short"><label for="f-new-slug">Slug</label>\
            <input type="text" value="a b" id="f-new-slug" aria-invalid="true" \
            aria-describedby="f-new-slug-error f-new-slug-hint" name="slug" minlength="2" maxlength="20" required \
            autocomplete="off" autofocus><p class="hint" id="f-new-slug-hint">Letters</p>\
            <p class="error" id="f-new-slug-error">No spaces</p></div>
            """
        #expect(field.html == expected)
        let sound = text(Field("Slug", name: "slug", isRequired: false).html)
        #expect(!sound.contains("aria-") && !sound.contains("required"))
        #expect(sound.contains("<label for=\"f-slug\">Slug <span class=\"sub\">optional</span></label>"))
    }

    @Test("each kind of field has its label and sends what its kind sends")
    func kinds() {
        func input(_ kind: Field.Kind, _ value: String? = nil) -> String {
            text(Field("L", name: "n", kind: kind, value: value).html)
        }
        for (kind, type, value) in [
            (Field.Kind.text, "text", "v"), (.email, "email", "v"), (.search, "search", "v"), (.url, "url", "v"),
            (.date, "date", "2026-11-28"),
        ] {
            let markup = "<input type=\"\(type)\" value=\"\(value)\" id=\"f-n\" name=\"n\" required>"
            #expect(input(kind, value).contains(markup))
        }
        #expect(input(.number, "12x").contains("<input type=\"text\" inputmode=\"numeric\" value=\"12x\""))
        #expect(input(.decimal, "1,5").contains("<input type=\"text\" inputmode=\"decimal\" value=\"1,5\""))
        #expect(input(.textarea(rows: 4), "\nv").contains("<textarea rows=\"4\" id=\"f-n\" name=\"n\" required>\n\nv<"))
        #expect(
            input(.file(".csv"), "v").contains("<input type=\"file\" accept=\".csv\" id=\"f-n\" name=\"n\" required>"))
        let options = [Field.Option("a", "One"), .init("b", "Two", about: "More")]
        #expect(input(.select(options), "b").contains("<option value=\"b\" selected>Two</option></select>"))
        #expect(!input(.select(options)).contains("selected"))
        #expect(
            input(.select(options), "zz").contains("Two</option><option value=\"zz\" selected>zz</option></select>"),
            "what is asked for is what is sent, whether it is an option or not")
        #expect(input(.checkbox, "true").contains("value=\"true\" checked id=\"f-n\""))
        #expect(!input(.checkbox, "false").contains("checked"))
        let radios = input(.radios(options), "a")
        #expect(radios.hasPrefix("<fieldset class=\"choices\" role=\"radiogroup\" id=\"f-n\"><legend>L</legend>"))
        #expect(radios.contains("<input type=\"radio\" value=\"a\" checked name=\"n\" required><b>One</b></label>"))
        #expect(radios.contains("<input type=\"radio\" value=\"b\" name=\"n\" required><b>Two</b><span>More</span>"))
    }

    @Test("U5 a group of boxes or choices is tied to its error, and takes the focus that the head of the page sends")
    func groupsInError() {
        let boxes = text(Choices("May", name: "scopes", ["a", "b"], chosen: ["a"], error: "choose one").html)
        #expect(
            boxes.hasPrefix(
                "<fieldset id=\"f-scopes\" tabindex=\"-1\" aria-describedby=\"f-scopes-error\"><legend>May</legend>"))
        #expect(boxes.contains("<p class=\"error\" id=\"f-scopes-error\">choose one</p></fieldset>"))
        #expect(boxes.split(separator: "aria-invalid=\"true\"").count == 3)
        let sound = text(Choices("May", name: "scopes", ["a"], chosen: []).html)
        #expect(sound.hasPrefix("<fieldset id=\"f-scopes\"><legend>") && !sound.contains("aria-invalid"))
        let radios = text(Field("L", name: "n", kind: .radios([.init("a")]), error: "choose one").html)
        #expect(radios.contains("aria-describedby=\"f-n-error\" tabindex=\"-1\"><legend>L</legend>"))
    }

    @Test("U4 a password that was typed is never written into a page")
    func password() {
        #expect(!text(Field("P", name: "p", kind: .password, value: "hunter22").html).contains("hunter22"))
        #expect(!text(Field("K", name: "k", kind: .secret(rows: 4), value: "hunter22").html).contains("hunter22"))
    }

    @Test("ids are one for each name and take nothing of it that an id or a list of ids cannot have")
    func ids() {
        #expect(Field.id("limit.burst") != Field.id("limit-burst") && Field.id("a b") != Field.id("a_b"))
        for text in Hostile.texts {
            let id = Field.id(text, scope: "s")
            #expect(
                id.hasPrefix("f-s-") && id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"'<>&=".utf8.contains($0) })
        }
        #expect(Set(Hostile.texts.map { Field.id($0) }).count == Set(Hostile.texts.map { Array($0.utf8) }).count)
    }

    @Test("a button has its looks, and one that leads to a page is a link")
    func buttons() {
        #expect(Button("Go").html == "<button class=\"button\">Go</button>")
        #expect(Button("Go", .danger).html == "<button class=\"button danger\">Go</button>")
        let link: HTML = "<a class=\"button primary\" href=\"/new?a=b&amp;c=d\">New</a>"
        #expect(Button("New", .primary, leadsTo: Link("/new", query: [("a", "b"), ("c", "d")])).html == link)
    }

    private func text(_ html: HTML) -> String { String(decoding: html.bytes, as: UTF8.self) }
}
