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
        let mayWrite = view.may(.patch, "/settings")
        let look = mayWrite ? lookForm(settings, view) : lookFacts(settings)
        return PageContent(
            "Settings",
            """
            \(tabs("general", view))<div class="cols">\
            \(Panel("Name and colours", id: "look") { "\(look)\(contrasts(settings))" })\
            <div>\(Panel("Logo", id: "logo") { logo(settings, mayWrite, view) })\
            \(Panel("What resellers may do by themselves", id: "resellers") { switches(settings, mayWrite, view) })\
            </div></div>
            """)
    }

    // MARK: Name and colours

    private static let colours = [
        ("primary", "Primary", "Buttons, and links where there is no accent"),
        ("accent", "Accent", "Links"), ("background", "Background", "Behind everything, where it can be read on"),
    ]

    private static func lookForm(_ settings: Row, _ view: View) -> HTML {
        let own = settings.row("colours")
        let fields = colours.map { name, title, about in
            view.field(
                title, "colours.\(name)", value: own?.text(name), hint: "\(about), like #1f4fd8", isRequired: false,
                autocomplete: "off", size: .short)
        }
        let form = view.form("PATCH /settings", said: .saved) {
            """
            \(view.field("Name", "name", value: settings["name"], hint: "As resellers and their customers see it."))\
            <div class="fields">\(each: fields, { $0.html })</div>
            <div class="actions">\(Button("Save", .primary))</div>
            """
        }
        return form.html
    }

    private static func lookFacts(_ settings: Row) -> HTML {
        let own = settings.row("colours")
        let facts = colours.map { name, title, _ -> (name: String, value: HTML?) in
            (title, own?.text(name).map { "<code>\($0)</code>" })
        }
        return Facts([("Name", "\(settings["name"])")] + facts).html
    }

    /// How well each colour is read as it is, and what the pages make of it.
    private static func contrasts(_ settings: Row) -> HTML {
        let own = settings.row("colours")
        let named = colours.compactMap { name, title, _ -> (String, CSSColour)? in
            own?.text(name).flatMap { CSSColour($0) }.map { (title, $0) }
        }
        if named.isEmpty { return #"<p class="sub">Without colours of its own the tenant has those of this page.</p>"# }
        let table = DataTable(
            caption: "Contrast of the colours",
            columns: [
                Column("Colour"), Column("White on it", .number), Column("Black on it", .number),
                Column("On white", .number),
            ],
            rows: named.map { title, colour in
                [
                    "\(title) <code>\(colour.text)</code>", ratio("#ffffff", colour), ratio("#000000", colour),
                    ratio(colour, "#ffffff"),
                ]
            }, empty: "", narrow: .same)
        return """
            \(table)<p class="sub">Text needs \(times(Contrast.text)), edges \(times(Contrast.edge)). What is less is \
            darkened or lightened on the pages until it is readable, by day and by night.</p>
            """
    }

    private static func ratio(_ first: CSSColour, _ second: CSSColour) -> HTML {
        let ratio = Contrast.ratio(first, second)
        let words = times(ratio)
        return ratio >= Contrast.text ? "\(words)" : "\(State(words, tone: ratio >= Contrast.edge ? .warn : .bad))"
    }

    /// `4.5 : 1`
    private static func times(_ ratio: Double) -> String {
        "\(Figure.grouped(Int((ratio * 10).rounded(.down)), decimals: 1)) : 1"
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
