import CallKit
import Cryptography
import Foundation
import HTTPClient
import HTTPCore

/// What a reseller buys and looks after, through the API of wholesale orders (W4, W5, W6): the order is signed here.
enum OwnOrderCommands {
    static let commands = [quote, buy, orders, order, services, service, pay, cancel, keep]

    private static let api = CalledAPI.wholesale
    private static let sku = ["SKU"]

    // MARK: Buying

    private static let ordered = [
        Option("--term", "TERM", "monthly, quarterly, semi_annual, annual or hourly", isRequired: true),
        Option("--customer", "ID", "Your own id of the end customer", isRequired: true),
        Option("--quantity", "N", "How many units (1)"),
        Option("--customer-email", "EMAIL", "The end customer's address"),
        Option("--customer-name", "NAME", "The end customer's name"),
        Option("--reference", "TEXT", "What you find the order by later"),
    ]

    private static let quote = Command(
        "my quote", "Show what an order would cost; nothing is bought", arguments: sku, options: ordered + api.options
    ) { invocation in
        let answer = try api.client(invocation).send("POST", "/orders/quote", body: .bytes(try body(invocation)))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let buy = Command(
        "my buy", "Place an order", arguments: sku,
        options: ordered + [
            Option("--secret-file", "FILE", "Its first line is your signing secret ($TOLLGATE_WEBHOOK_SECRET)"),
            OnceKey.option,
        ] + api.options,
        notes: "“tollgate my quote” says before what it costs. " + OnceKey.note
    ) { invocation in
        let sent = try body(invocation)
        let secret = try SignCommand.secret(invocation)
        let path = try api.basePath(invocation) + "/orders"
        let client = try api.client(invocation)
        try OnceKey.send(invocation) { key throws(CommandFailure) in
            let signed = SignCommand.headers(
                "POST", path, sent, secret: secret, key: key.1, at: Int(Date().timeIntervalSince1970))
            return try client.send("POST", "/orders", body: .bytes(sent), headers: signed)
        } show: { answer throws(CommandFailure) in
            try Answers.show(
                answer, invocation, listing: "services", columns: ["id", "status"], empty: "no services yet")
        }
        return ExitCode.ok
    }

    private static func body(_ invocation: Invocation) throws -> [UInt8] {
        let quantity = try invocation.integer("--quantity", in: 1...Int(Int32.max)) ?? 1
        return try JSONWriter.object { json in
            json.field("product", invocation.arguments[0])
            json.field("term", try invocation.required("--term"))
            json.field("quantity", quantity)
            try json.object("customer") { json in
                json.field("external_id", try invocation.required("--customer"))
                if let email = invocation.text("--customer-email") { json.field("email", email) }
                if let name = invocation.text("--customer-name") { json.field("name", name) }
            }
            if let reference = invocation.text("--reference") { json.field("reference", reference) }
        }
    }

    // MARK: Orders

    private static let orders = api.list(
        "my orders", "List your orders, newest first, or find some", "/orders",
        filters: [
            Filter("--state", "STATE", "pending, completed or rejected", repeats: true),
            Filter("--reference", "TEXT", "Of one reference"),
            Filter("--customer", "ID", "Of one end customer, by our id or yours"),
            Filter("--product", "SKU", "Of one product"),
            Filter("--idempotency-key", "KEY", "The one that was placed under this key"), Filter.mode,
        ] + Filter.times,
        columns: [
            "id", "created_at", "state", "product", "term", "quantity", "customer_external_id", "reference",
            "wholesale_total", "refunded", "currency",
        ],
        empty: "no orders", isOnePage: true)

    private static let order = api.call(
        "GET", "my order", "Show an order of yours and its services", "/orders/{}", arguments: ["ORDER_ID"],
        filters: [.mode], listing: "services",
        columns: ["id", "status", "customer_external_id", "renews_at", "ends_at"], empty: "no services")

    // MARK: Services

    private static let serviceID = ["SERVICE_ID"]

    private static let services = api.list(
        "my services", "List your services, newest first, or find some", "/services",
        filters: [
            Filter(
                "--state", "STATE", "pending, active, past_due, suspended or cancelled (all but cancelled)",
                named: "status", repeats: true),
            Filter("--order", "ID", "Of one order"), Filter("--product", "SKU", "Of one product"),
            Filter("--customer", "ID", "Of one end customer, by our id or yours"), Filter.mode,
        ] + Filter.times,
        columns: [
            "id", "order_id", "created_at", "status", "product", "term", "customer_external_id", "term_price",
            "renews_at", "ends_at",
        ],
        empty: "no services", isOnePage: true)

    private static let service = api.call(
        "GET", "my service", "Show a service of yours, with what its end customer needs", "/services/{}",
        arguments: serviceID, filters: [.mode])

    private static let pay = api.call(
        "POST", "my pay", "Pay what is past due of a service", "/services/{}/pay", arguments: serviceID)

    private static let cancel = api.call(
        "POST", "my cancel", "Have a service end with its term", "/services/{}/cancel", arguments: serviceID)

    private static let keep = api.call(
        "DELETE", "my keep", "Have a service renew after all", "/services/{}/cancel", arguments: serviceID)
}
