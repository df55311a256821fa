import CallKit
import HTML
import HTTPCore
import PageKit

/// Slots for ports, and the devices that they are on (O9).
extension AdminPages {
    static let portStock: [Page] = [
        Page(inSteps: "/stock/ports", "Ports") { view in
            let levels = try await StockParts.levels("ports", view)
            return try await view.reading { try PortStockPages.slots($0, levels) }
        },
        Page("/stock/ports/import", "Import ports", asks: "POST /ports", bodyBytesMax: StockParts.fileBytesMax) {
            view in
            PortStockPages.importing(view)
        },
        Page("/stock/ports/{address}", "Slot") { view in try PortStockPages.slot(view) },
        Page("/stock/devices", "Devices") { view in try DevicePages.list(view) },
        Page("/stock/devices/{name}", "Device") { view in try DevicePages.one(view) },
        Page("/stock/devices/{name}/remove", "Take a device out", asks: "DELETE /devices/{name}") { view in
            try DevicePages.removing(view)
        },
    ]
}

enum PortStockPages {
    static let states = ["free", "used", "withdrawn"]

    static func slots(_ view: View, _ levels: HTML) throws -> PageContent {
        let found = try view.found("/ports", view.asked("country", "status", "cursor"))
        let mayWrite = view.may(.post, "/ports")
        let isFiltered = view.visit.asked("country") != nil || view.visit.asked("status") != nil
        let table = DataTable(
            caption: "Slots",
            columns: [
                Column("Address"), Column("SOCKS", .number), Column("Device"), Column("Country"), Column("City"),
                Column("Carrier"), Column("Mode"), Column("State"), Column("Port"),
            ],
            rows: found.rows.map { line($0, view) },
            empty: isFiltered
                ? Empty("No such slots", "None matches the filter.").html
                : Empty(
                    "No slots yet", "A file has a line for each device and range of ports.",
                    actions: mayWrite
                        ? "\(Button("Import", .primary, leadsTo: view.link("/stock/ports/import")))" : nil
                ).html, previous: view.first(), next: view.next(found.list))
        let filters = Form.get(view.link("/stock/ports"), keeping: StockParts.book(view)) {
            """
            \(view.filter("Country", "country"))\
            \(view.filter(
                "State", "status", .select([FormField.Option("", "Any")] + states.map { FormField.Option($0) })))\
            <div class="actions">\(Button("Filter"))\(view.clear(["country", "status"]))</div>
            """
        }
        return PageContent(
            "Ports",
            actions: """
                \(Button("Countries", .quiet, leadsTo: view.link("/settings/countries")))\
                \(Button("Devices", leadsTo: view.link("/stock/devices")))\
                \(if: mayWrite, "\(Button("Import", .primary, leadsTo: view.link("/stock/ports/import")))")
                """, "\(levels)\(filters)\(found.shown(table.html))")
    }

    static func address(_ row: Row) -> String {
        let host = row["server_ip"]
        return (host.contains(":") ? "[\(host)]" : host) + ":" + row["http_port"]
    }

    private static func line(_ row: Row, _ view: View) -> [HTML] {
        let address = address(row)
        return [
            #"<a href="\#(view.link("/stock/ports", address))">\#(address)</a>"#, "\(row["socks_port"])",
            #"<a href="\#(view.link("/stock/devices", row["device"]))">\#(row["device"])</a>"#,
            "\(row["country"])", "\(row.text("city") ?? "")", "\(row.text("carrier") ?? "")", "\(row["mode"])",
            "\(state(row["status"]))", row.text("port").map { "<code>\($0)</code>" } ?? "",
        ]
    }

    static func state(_ word: String) -> State {
        switch word {
        case "free": State(word, tone: .good)
        case "used": State(word, tone: .info)
        case "closing": State(word, tone: .warn)
        default: State(word)
        }
    }

    static func importing(_ view: View) -> PageContent {
        PageContent(
            "Import ports", sub: #"<a href="\#(view.link("/stock/ports"))">Ports</a>"#,
            problem: StockParts.problem(view),
            StockParts.importForm(
                "POST /ports", next: view.link("/stock/ports"),
                example: """
                    device,server_ip,http_port,socks_port,country,city,carrier,mode
                    de-berlin-1,203.0.113.7,10001-10010,20001-20010,germany_id,Berlin,Telekom,exclusive-capable
                    de-berlin-2,proxy.example.net,10001,20001,germany_id,,,shared
                    """,
                about: """
                    <p>A range stands for a slot each. The country has to be among \
                    <a href="\(view.link("/settings/countries"))">your countries</a>. An address that is there already \
                    refuses the whole file. An import brings a device back that was taken out.</p>
                    """, view))
    }

    // MARK: One slot

    static func slot(_ view: View) throws -> PageContent {
        let path = "/ports/\(view.visit.segment())"
        let slot = try view.get(path)
        let isInStock = slot.text("withdrawn_at") == nil
        let change = isInStock && view.may(.patch, path) ? correction(slot, path, view) : nil
        let remove = isInStock && view.may(.delete, path) ? removal(slot, path, view) : nil
        return PageContent(
            "Slot \(address(slot))",
            sub: #"<a href="\#(view.link("/stock/ports"))">Ports</a> · \#(state(slot["status"]))"#,
            """
            <div class="cols"><div>\(Panel("What it is") { facts(slot, view).html })</div><div>\(change)\(remove)</div></div>
            """)
    }

    private static func facts(_ slot: Row, _ view: View) -> Facts {
        let now = view.visit.call.now
        return Facts([
            ("HTTP port", "\(slot["http_port"])"), ("SOCKS port", "\(slot["socks_port"])"),
            ("Device", #"<a href="\#(view.link("/stock/devices", slot["device"]))">\#(slot["device"])</a>"#),
            ("Country", "\(slot["country"])"), ("City", slot.text("city").map { "\($0)" }),
            ("Carrier", slot.text("carrier").map { "\($0)" }), ("Mode", "\(slot["mode"])"),
            ("Port", slot.text("port").map { "<code>\($0)</code>" }),
            ("Reseller", slot.text("reseller").map { view.idLink("/resellers", $0) }),
            ("Customer", slot.text("customer").map { view.idLink("/customers", $0) }),
            ("Used until", slot.text("expires_at").map { "\(TimeText($0, now: now))" }),
            ("Came", "\(TimeText(slot["created_at"], now: now))"),
            ("Taken out", slot.text("withdrawn_at").map { "\(TimeText($0, now: now))" }),
        ])
    }

    private static func correction(_ slot: Row, _ path: String, _ view: View) -> HTML {
        let form = view.form("PATCH \(path)", said: .saved, next: view.link("/stock/ports")) {
            """
            <div class="fields">\(view.field("HTTP port", "http_port", .number, value: slot["http_port"], size: .short))\
            \(view.field("SOCKS port", "socks_port", .number, value: slot["socks_port"], size: .short))</div>
            <p class="hint">Whoever uses the slot is told of its new address.</p>
            <div class="actions">\(Button("Save", .primary))</div>
            """
        }
        return Panel("Correct its ports") { form.html }.html
    }

    private static func removal(_ slot: Row, _ path: String, _ view: View) -> HTML {
        let choice: HTML? = slot.text("port").map { _ in fate(view).html }
        let form = view.form("DELETE \(path)", said: .removed, next: view.link("/stock/ports")) {
            """
            <p>Nobody gets this slot any more. Nothing is paid back by itself.</p>\(choice)
            <div class="actions">\(Button("Take it out", .danger))</div>
            """
        }
        return Panel("Take it out") { form.html }.html
    }

    /// What becomes of those who use it.
    static func fate(_ view: View) -> FormField {
        view.field(
            "A port that is on it", "ports",
            .radios([
                FormField.Option("", "Refuse", about: "Nothing is taken out while somebody uses it."),
                FormField.Option("move", "Move", about: "It goes elsewhere, with its id, login and end."),
                FormField.Option("end", "End", about: "It ends now."),
            ]), value: "", isRequired: false)
    }
}

enum DevicePages {
    static func list(_ view: View) throws -> PageContent {
        let found = try view.found("/devices", view.asked("country", "status", "cursor"))
        let status = view.visit.asked("status")
        let filters = ["status", "country"]
        let tabs = Tabs(
            "State",
            [(nil, "All"), ("active", "Active"), ("closing", "Closing"), ("withdrawn", "Withdrawn")].map {
                word, title in
                Tabs.Tab(
                    title, view.visit.here([("status", word), ("cursor", nil)]), isCurrent: status == word)
            })
        let table = DataTable(
            caption: "Devices",
            columns: [
                Column("Device"), Column("Address"), Column("Country"), Column("City"), Column("Carrier"),
                Column("Mode"), Column("Slots", .number), Column("In use", .number), Column("State"),
            ],
            rows: found.rows.map { row in
                [
                    #"<a href="\#(view.link("/stock/devices", row["device"]))">\#(row["device"])</a>"#,
                    "\(row["server_ip"])", "\(row["country"])", "\(row.text("city") ?? "")",
                    "\(row.text("carrier") ?? "")", "\(row["mode"])", "\(row["slots"])", "\(row["used"])",
                    "\(PortStockPages.state(row["status"]))",
                ]
            },
            empty: view.isFiltered(filters)
                ? view.nothing("No devices", "", filters: filters)
                : Empty(
                    "No devices", "An import of ports brings them.",
                    actions: view.may(.post, "/ports")
                        ? "\(Button("Import", .primary, leadsTo: view.link("/stock/ports/import")))" : nil
                ).html, previous: view.first(), next: view.next(found.list))
        return PageContent(
            "Devices", sub: #"<a href="\#(view.link("/stock/ports"))">Ports</a>"#, "\(tabs)\(found.shown(table.html))")
    }

    private static func path(_ view: View) -> String { "/devices/\((view.visit.parameter()).percentEncoded)" }

    static func one(_ view: View) throws -> PageContent {
        let path = path(view)
        let device = try view.get(path)
        let name = device["device"]
        let now = view.visit.call.now
        let facts = Facts([
            ("Country", "\(device["country"])"),
            ("Slots", "\(Meter(device.int("used"), of: device.int("slots"), unit: "in use"))"),
            ("Came", "\(TimeText(device["created_at"], now: now))"),
            ("Taken out", device.text("withdrawn_at").map { "\(TimeText($0, now: now))" }),
        ])
        let form = view.form("PATCH \(path)", said: .saved) {
            """
            \(view.field(
                "Address", "server_ip", value: device["server_ip"], hint: "An IP address or a host name"))\
            <div class="fields">\(view.field("City", "city", value: device.text("city"), isRequired: false))\
            \(view.field("Carrier", "carrier", value: device.text("carrier"), isRequired: false))</div>
            \(view.field(
                "Mode", "mode", .select([FormField.Option("shared"), FormField.Option("exclusive-capable")]),
                value: device["mode"]))
            <p class="hint">Each port that is found elsewhere then is told to its reseller.</p>
            <div class="actions">\(Button("Save", .primary))</div>
            """
        }
        let mayRemove = view.may(.delete, path) && device["status"] != "withdrawn"
        return PageContent(
            name,
            sub: """
                <a href="\(view.link("/stock/devices"))">Devices</a> · \(PortStockPages.state(device["status"]))
                """,
            actions: mayRemove
                ? "\(Button("Take out…", leadsTo: view.link("/stock/devices", name, "remove")))" : nil,
            """
            <div class="cols">\(view.may(.patch, path) ? Panel("Correct it") { form.html }.html : nil)\
            \(Panel("Facts") { facts.html })</div>
            """)
    }

    static func removing(_ view: View) throws -> PageContent {
        let path = path(view)
        let device = try view.get(path)
        let name = device["device"]
        let back = view.link("/stock/devices", name)
        let form = view.form("DELETE \(path)", said: .removed, next: back) {
            """
            \(PortStockPages.fate(view))<div class="actions">\(Button("Take the device out", .danger))\
            \(Button("Cancel", .quiet, leadsTo: back))</div>
            """
        }
        return PageContent(
            "Take \(name) out", sub: #"<a href="\#(back)">\#(name)</a>"#,
            """
            <section class="panel"><p>\(name) has \(device["slots"]) slots; \(device["used"]) are in use. Nobody gets \
            one of \
            them any more. Nothing is paid back by itself. A port that finds no other place stays, and the device is \
            closing \
            until this is done again.</p>\(form)</section>
            """)
    }
}
