import HTTPClient
import HTTPCore

/// Stock of licences, ports and items, through the operator's API (O9, O4).
enum StockCommands {
    static let commands =
        [
            listLicences, importLicences, withdrawLicences, moveLicences, listPorts, importPorts, showPort,
            withdrawPort, changePort,
            listDevices, showDevice, withdrawDevice, changeDevice, levels, countItems, importItems, withdrawItem,
        ]

    private static let mode = Option("--mode", "MODE", "live or test (the key's)")
    private static let fate = Option("--ports", "FATE", "move or end: what becomes of the ports on it")

    // MARK: Licences

    private static let licenceFilters = [
        Filter.reseller, Filter("--licence", "KEY", "The one with this text", named: "key"),
    ]

    private static let listLicences = Command(
        "licences list", "List licences in stock, or those that were taken out",
        options: [
            Option("--withdrawn", "Those that were taken out, of all resellers"), mode,
        ] + Filter.options(licenceFilters) + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let isWithdrawn = invocation.has("--withdrawn")
        if isWithdrawn, let other = licenceFilters.first(where: { invocation.has($0.option.name) }) {
            throw CommandFailure.usage("--withdrawn and \(other.option.name) exclude each other")
        }
        let path = isWithdrawn ? "/licences/withdrawn" : "/licences"
        let columns =
            isWithdrawn
            ? ["key", "product", "reseller", "withdrawn_at", "account", "moved_to", "moved_to_product"]
            : ["key", "product", "reseller", "expiration", "held_until", "assigned_at", "discord_user_id"]
        let query = Filter.query(licenceFilters + [Filter.mode], invocation)
        let rows = try Pages.rows(path, query: query, try .owner(invocation), invocation)
        if !invocation.has("--json") { try Answers.table(rows, columns: columns, empty: "no licences") }
        return ExitCode.ok
    }

    private static let importLicences = Command(
        "licences import", "Take licences into stock, all or none", arguments: ["FILE"],
        options: [mode, OnceKey.option] + GatewayClient.ownerOptions,
        notes: "CSV with the columns reseller, product, key and expiration; a file that ends in .json is JSON.\n"
            + OnceKey.note
    ) { invocation in try take("/licences", invocation) }

    private static let withdrawLicences = Command(
        "licences withdraw", "Take free licences out of stock, all or none",
        options: [Option("--licence", "KEY", "One of them", repeats: true, isRequired: true), mode]
            + GatewayClient.ownerOptions
    ) { invocation in try correct("/licences/withdraw", [], invocation) }

    private static let moveLicences = Command(
        "licences move", "Give free licences to another reseller or product, all or none",
        options: [
            Option("--licence", "KEY", "One of them", repeats: true, isRequired: true),
            Option("--to-reseller", "ID", "The reseller to move them to"),
            Option("--to-product", "SKU", "The product to move them to"),
            mode,
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let to = SentFile.members([("--to-reseller", "reseller"), ("--to-product", "product")], invocation)
        return try correct("/licences/move", to, invocation)
    }

    private static func correct(_ path: String, _ more: [JSONMember], _ invocation: Invocation) throws -> Int32 {
        let keys = invocation.texts("--licence").map { JSON.string($0) }
        let body = JSON.object([JSONMember(name: "keys", value: .array(keys))] + more).encoded()
        let answer = try GatewayClient.owner(invocation).send("POST", path + query(invocation), body: .bytes(body))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    // MARK: Ports

    private static let listPorts = Command(
        "ports list", "List the stock of ports, slot by slot",
        options: [
            Option("--country", "ID", "Of one country"), Option("--status", "STATUS", "free, used or withdrawn"), mode,
        ] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let columns = [
            "device", "server_ip", "http_port", "socks_port", "country", "city", "carrier", "mode", "status", "port",
        ]
        return try list("/ports", ["country", "status", "mode"], columns, "no ports", invocation)
    }

    private static let importPorts = Command(
        "ports import", "Take a stock of ports in, all rows or none", arguments: ["FILE"],
        options: [mode, OnceKey.option] + GatewayClient.ownerOptions,
        notes:
            "CSV with the columns device, server_ip, http_port, socks_port, country; a file that ends in .json is JSON."
            + "\n" + OnceKey.note
    ) { invocation in try take("/ports", invocation) }

    private static let showPort = CalledAPI.owner.call(
        "GET", "ports show", "Show a slot: who uses it, and until when", "/ports/{}", arguments: ["ADDRESS"],
        filters: [.mode], notes: "The address is that of its HTTP port, say 198.51.100.7:10001.")

    private static let withdrawPort = Command(
        "ports withdraw", "Take a slot out of stock", arguments: ["ADDRESS"],
        options: [fate, mode] + GatewayClient.ownerOptions,
        notes: "The address is that of its HTTP port, say 198.51.100.7:10001. A slot that a port has needs --ports."
    ) { invocation in try send("DELETE", "/ports", nil, invocation) }

    private static let changePort = Command(
        "ports change", "Correct the ports of a slot", arguments: ["ADDRESS"],
        options: [
            Option("--http-port", "PORT", "From now on"), Option("--socks-port", "PORT", "From now on"), mode,
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let ports = [(option: "--http-port", name: "http_port"), (option: "--socks-port", name: "socks_port")]
        return try send("PATCH", "/ports", try SentFile.plain(ports, invocation), invocation)
    }

    private static let listDevices = Command(
        "devices list", "List devices of the stock of ports",
        options: [
            Option("--country", "ID", "Of one country"), Option("--status", "STATUS", "active, closing or withdrawn"),
            mode,
        ] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let columns = ["device", "server_ip", "country", "city", "carrier", "mode", "status", "slots", "used"]
        return try list("/devices", ["country", "status", "mode"], columns, "no devices", invocation)
    }

    private static let showDevice = CalledAPI.owner.call(
        "GET", "devices show", "Show a device of the stock of ports", "/devices/{}", arguments: ["DEVICE"],
        filters: [.mode])

    private static let withdrawDevice = Command(
        "devices withdraw", "Take a device out of stock", arguments: ["DEVICE"],
        options: [fate, mode] + GatewayClient.ownerOptions,
        notes:
            "Ports that find no other place stay until the command is run again with --ports end, or with more stock."
    ) { invocation in try send("DELETE", "/devices", nil, invocation) }

    private static let changeDevice = Command(
        "devices change", "Correct a device: its address, place, carrier or kind", arguments: ["DEVICE"],
        options: [
            Option("--server-ip", "ADDRESS", "Its address, and that of its slots"),
            Option("--city", "CITY", "none takes it away"),
            Option("--carrier", "CARRIER", "none takes it away"),
            Option("--kind", "KIND", "shared or exclusive-capable"), mode,
        ] + GatewayClient.ownerOptions
    ) { invocation in
        let options = [
            (option: "--server-ip", name: "server_ip"), (option: "--city", name: "city"),
            (option: "--carrier", name: "carrier"), (option: "--kind", name: "mode"),
        ]
        return try send("PATCH", "/devices", SentFile.members(options, invocation), invocation)
    }

    // MARK: Items

    private static let levels = CalledAPI.owner.call(
        "GET", "stock levels", "Count all stock, by product and by country, and say how long it lasts", "/stock",
        filters: [.mode, Filter("--kind", "KIND", "licences, items or ports (all)")], listing: "data",
        columns: ["kind", "product", "country", "free", "expired", "used", "withdrawn", "used_30_days", "days_left"],
        empty: "no stock")

    private static let countItems = Command(
        "stock list", "List a product's stock of items, oldest first, without their texts", arguments: ["SKU"],
        options: [mode] + Pages.options + GatewayClient.ownerOptions
    ) { invocation in
        let columns = ["id", "service", "created_at", "sold_at", "withdrawn_at"]
        return try list(items(invocation) + "/items", ["mode"], columns, "no items", invocation)
    }

    private static let importItems = Command(
        "stock import", "Take items of a product into stock, all or none", arguments: ["SKU", "FILE"],
        options: [mode, OnceKey.option] + GatewayClient.ownerOptions,
        notes: "CSV with the column item.\n" + OnceKey.note
    ) { invocation in try take(items(invocation), invocation) }

    private static let withdrawItem = Command(
        "stock withdraw", "Withdraw a free item: it is no longer sold", arguments: ["SKU", "ITEM_ID"],
        options: GatewayClient.ownerOptions
    ) { invocation in
        let path = items(invocation) + "/items/\(invocation.arguments[1].percentEncoded)"
        try Answers.show(try GatewayClient.owner(invocation).send("DELETE", path), invocation)
        return ExitCode.ok
    }

    private static func items(_ invocation: Invocation) -> String {
        "/products/\(invocation.arguments[0].percentEncoded)/stock"
    }

    // MARK: What they share

    private static func list(
        _ path: String, _ filters: [String], _ columns: [String], _ empty: String, _ invocation: Invocation
    ) throws -> Int32 {
        let query = filters.compactMap { name in invocation.text("--\(name)").map { (name, $0) } }
        let rows = try Pages.rows(path, query: query, try .owner(invocation), invocation)
        if !invocation.has("--json") { try Answers.table(rows, columns: columns, empty: empty) }
        return ExitCode.ok
    }

    /// The last argument is the file.
    private static func take(_ path: String, _ invocation: Invocation) throws -> Int32 {
        let file = invocation.arguments[invocation.arguments.count - 1]
        return try SentFile.sendOnce(path + query(invocation), file, invocation) { answer throws(CommandFailure) in
            try Answers.show(answer, invocation)
        }
    }

    private static func send(
        _ method: String, _ list: String, _ members: [JSONMember]?, _ invocation: Invocation
    ) throws -> Int32 {
        let path = "\(list)/\(invocation.arguments[0].percentEncoded)\(query(invocation))"
        let body = members.map { RequestBody.bytes(JSON.object($0).encoded()) } ?? .none
        try Answers.show(try GatewayClient.owner(invocation).send(method, path, body: body), invocation)
        return ExitCode.ok
    }

    private static func query(_ invocation: Invocation) -> String {
        let names = ["mode", "ports"].compactMap { name in
            invocation.text("--\(name)").map { "\(name)=\($0.percentEncoded)" }
        }
        return names.isEmpty ? "" : "?" + names.joined(separator: "&")
    }
}
