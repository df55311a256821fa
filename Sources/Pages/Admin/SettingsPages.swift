import CallKit
import HTML
import HTTPCore
import PageKit

/// What the tenant is called and looks like, what resellers may do by themselves, and whom it pays and asks (O12).
extension AdminPages {
    static let settings: [Page] = [
        Page("/settings", "Settings", bodyBytesMax: SettingsPages.logoBytesMax) { view in
            try SettingsPages.general(view)
        },
        Page("/settings/payments", "Payment service") { view in try PaymentSettings.content(view) },
        Page("/settings/payments/remove", "Take no payments", asks: "DELETE /payment-service") { view in
            PaymentSettings.removing(view)
        },
        Page("/settings/provisioning", "Provisioning", afterwards: ProvisionerSettings.tried) { view in
            try ProvisionerSettings.ofTenant(view)
        },
        Page("/products/{sku}/provisioner", "Provisioner", afterwards: ProvisionerSettings.tried) { view in
            try ProvisionerSettings.ofProduct(view)
        },
        Page("/settings/provisioning/remove", "Take the provisioner away", asks: "DELETE /provisioning") { view in
            try ProvisionerSettings.removing(view)
        },
        Page(
            "/products/{sku}/provisioner/remove", "Take the provisioner away",
            asks: "DELETE /products/{sku}/provisioning"
        ) { view in
            try ProvisionerSettings.removing(view)
        },
        Page("/settings/countries", "Countries") { view in try CountrySettings.content(view) },
    ]
}

enum SettingsPages {
    static let logoBytesMax = 256 << 10

    /// Links to what settings there are, on each of their pages.
    static func tabs(_ current: String, _ view: some PageView) -> Tabs {
        var tabs = [
            ("general", "General", view.link("/settings")),
            ("payments", "Payments", view.link("/settings/payments")),
        ]
        if view.visit.has(dialect: "wholesale_orders") {
            tabs.append(("provisioning", "Provisioning", view.link("/settings/provisioning")))
        }
        if view.visit.has(dialect: "proxy_ports") {
            tabs.append(("countries", "Countries", view.link("/settings/countries")))
        }
        return Tabs("Settings", tabs.map { Tabs.Tab($0.1, $0.2, isCurrent: $0.0 == current) })
    }

    static func general(_ view: View) throws -> PageContent {
        let settings = try view.get("/settings")
        let chosen = ChosenColours(settings, view)
        let shown = view.finding(chosen.errors)
        let mayWrite = view.may(.patch, "/settings")
        let look = mayWrite ? lookForm(settings, chosen, shown) : lookFacts(settings, chosen)
        return PageContent(
            "Settings",
            """
            \(tabs("general", view))<div class="cols">\
            \(Panel("Name and colours", id: "look") { "\(look)\(preview(chosen))" })\
            <div>\(Panel("Logo", id: "logo") { logo(settings, mayWrite, shown) })\
            \(Panel("What resellers may do by themselves", id: "resellers") { switches(settings, mayWrite, shown) })\
            </div></div>
            """
        ).refused(in: shown)
    }

    // MARK: Name and colours

    private static func lookForm(_ settings: Row, _ chosen: ChosenColours, _ view: View) -> HTML {
        let fields = chosen.all.map { colour in
            view.field(
                colour.title, colour.field, value: colour.text, hint: "\(colour.about), like #1f4fd8",
                isRequired: false, autocomplete: "off", size: .short)
        }
        let form = view.form("PATCH /settings", said: .saved) {
            """
            \(view.field("Name", "name", value: settings["name"], hint: "As resellers and their customers see it."))\
            <div class="fields">\(each: fields, { $0.html })</div>
            <div class="actions">\(Button("Save", .primary))\
            \(Button("Preview", name: Form.Hidden.call.rawValue, value: FormCall.none))</div>
            """
        }
        return form.html
    }

    private static func lookFacts(_ settings: Row, _ chosen: ChosenColours) -> HTML {
        let facts = chosen.all.map { colour -> (name: String, value: HTML?) in
            let code: HTML? = colour.text.isEmpty ? nil : "<code>\(colour.text)</code>"
            return (colour.title, code)
        }
        return Facts([("Name", "\(settings["name"])")] + facts).html
    }

    /// What the pages make of the colours, and how well each is read as it is. Of a mistake there is nothing to see.
    private static func preview(_ chosen: ChosenColours) -> HTML? {
        guard chosen.errors.isEmpty else { return nil }
        let note: HTML =
            chosen.areSaved
            ? ""
            : "\(Notice(.info, "<p>This is what the pages would look like. Nothing is saved yet.</p>"))"
        return "\(note)<h3>Preview</h3>\(ThemePreview(chosen.palette))\(contrasts(chosen))"
    }

    private static func contrasts(_ chosen: ChosenColours) -> HTML {
        let named = chosen.all.compactMap { colour in colour.value.map { (colour.title, $0) } }
        if named.isEmpty { return #"<p class="sub">Without colours of its own the tenant has those of this page.</p>"# }
        let table = DataTable(
            caption: "Contrast of the colours as they are",
            columns: [
                Column("Colour"), Column("White on it", .number), Column("Black on it", .number),
                Column("On white", .number),
            ],
            rows: named.map { title, colour in
                [
                    "\(title) <code>\(colour.text)</code>", ThemePreview.ratio("#ffffff", colour),
                    ThemePreview.ratio("#000000", colour), ThemePreview.ratio(colour, "#ffffff"),
                ]
            }, empty: "", isCaptionSeen: true)
        return """
            \(table)<p class="sub">Text needs \(ThemePreview.times(Contrast.text)), edges \
            \(ThemePreview.times(Contrast.edge)). What is less is darkened or lightened on the pages until it is \
            readable, by day and by night.</p>
            """
    }

    // MARK: Logo

    private static func logo(_ settings: Row, _ mayWrite: Bool, _ view: View) -> HTML {
        // It is shown by its path: the page may be reached by another host than the answer names.
        let picture: HTML? = settings.text("logo").flatMap { address in
            let name = address.split(separator: "/").last.map(String.init) ?? ""
            return #"<p><img src="\#(view.visit.tenantLink("", name))" alt="The logo" height="48"></p>"#
        }
        guard mayWrite else { return picture ?? #"<p class="sub">There is none.</p>"# }
        let upload = view.form("PUT /settings/logo", said: .saved, sendsFiles: true) {
            """
            \(FormField.hidden("_type", "image/png"))\
            \(view.field(
                "Picture", "_file", .file("image/png,image/webp,.png,.webp"),
                hint: "PNG or WebP, 64 KiB and 1024 pixels at most"))
            <div class="actions">\(Button("Upload"))</div>
            """
        }
        let remove: HTML? =
            picture.map { _ in view.button("Take it away", "DELETE /settings/logo", said: .removed).html }
        return "\(picture)\(upload)\(remove)"
    }

    // MARK: Switches

    private static let switchTexts = [
        ("self_activation", "Activate a registration themselves", "Otherwise an operator approves each."),
        ("self_service_keys", "Mint and rotate their own keys", "Only the owner changes this."),
        ("sandbox_before_approval", "Try the test book before they are approved", "Nothing of it is charged."),
    ]

    private static func switches(_ settings: Row, _ mayWrite: Bool, _ view: View) -> HTML {
        guard mayWrite else {
            return Facts(
                switchTexts.map { name, title, _ in
                    (title, "\(State(settings[name] == "true" ? "on" : "off", tone: .quiet))")
                }
            ).html
        }
        // Whoever lets resellers mint lets keys out: that is the owner's, as minting for others is.
        let isOwner = view.may(.post, "/api-keys")
        let rows = switchTexts.map { name, title, about -> HTML in
            let isOn = settings[name] == "true"
            let mayPress = isOwner || name != "self_service_keys"
            let form = view.form("PATCH /settings", said: .saved, isButton: true) {
                """
                \(FormField.hidden(name, isOn ? "false" : "true"))\
                \(Button(isOn ? "Switch off" : "Switch on", .plain))<span class="unseen">: \(title)</span>
                """
            }
            return """
                <div><dt>\(title)<br><small class="sub">\(about)</small></dt>\
                <dd><div class="actions">\(State(isOn ? "on" : "off", tone: isOn ? .good : .quiet))\
                \(if: mayPress, form.html)</div></dd></div>
                """
        }
        return #"<dl class="facts">\#(rows)</dl>"#
    }
}

/// The tenant's colours as the page shows them: those in force, or those that were typed and may be no colours. A
/// value: any thread.
private struct ChosenColours {
    struct Colour {
        let field: String
        let title: String
        let about: String
        /// Empty for the pages' own.
        let text: String

        var value: CSSColour? { CSSColour(text) }
    }

    let all: [Colour]
    /// Whether they are those in force, and nothing was sent beside them.
    let areSaved: Bool

    private static let names = [
        ("primary", "Primary", "Buttons, and links where there is no accent"),
        ("accent", "Accent", "Links"), ("background", "Background", "Behind everything, where it can be read on"),
    ]

    init(_ settings: Row, _ view: View) {
        let own = settings.row("colours")
        all = Self.names.map { name, title, about in
            let field = "colours.\(name)"
            let text = view.visit.attempt?.value(of: field) ?? own?.text(name) ?? ""
            return Colour(field: field, title: title, about: about, text: text)
        }
        areSaved = all.allSatisfy { view.visit.attempt?.value(of: $0.field) == nil }
    }

    /// As the API says it of a colour that is saved.
    var errors: [FieldError] {
        all.filter { !$0.text.isEmpty && $0.value == nil }.map { colour in
            FieldError(
                pointer: "/\(colour.field.replacing(".", with: "/"))", code: "format",
                detail: "must be a colour like #1a2b3c")
        }
    }

    var palette: Palette {
        Palette(primary: all[0].value, accent: all[1].value, background: all[2].value)
    }
}
