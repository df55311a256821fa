package import CallKit
import Cryptography
import HTML
package import HTTPCore
import PageKit
package import TenantRegistry

/// Where a code's link leads (A8): the end customer creates an account or logs in, and activates, in one form
/// that carries the credential itself, so there is no cookie to abuse. Programs get the same as JSON.
///
/// An unknown code, another tenant's and one of no code's shape look alike.
package struct ActivationPages: Dialect {
    /// Served where the dialect is.
    package let name = "activation_codes"
    static let base = "/activate"
    package let basePath = Self.base
    package let isDescribed = false
    package let formGate: FormGate? = .openToPrograms
    package let errorContentType: StaticString = "application/json"

    package init() {}

    package func credential(in head: RequestHead) -> Range<Int>? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        ActivationCodes().render(refusal, unknownCredential: ActivationCodes.wrongPassword)
    }

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        let plain = render(refusal, requestID: requestID)
        if head?.prefersJSON ?? true { return plain }
        return HTMLPage.refusal(
            refusal, title: "Activation", status: plain.status, text: Self.text(refusal), for: head, at: tenant)
    }

    private static func text(_ refusal: Refusal) -> String {
        refusal == .unknownCredential ? ActivationCodes.wrongPassword : ActivationCodes.message(refusal)
    }

    package let routes: [Route] = Self.redeeming + SubscriberPasswordPages.routes

    private static let redeeming: [Route] = [
        Route(.get, "/{code}", "Show what a code is for", access: .open) { call in
            let prefersJSON = call.head.prefersJSON
            return .read { tenant in
                guard let code = try tenant.activationCode(call.parameters[0]) else { throw RedeemCode.unknownCode }
                if prefersJSON { return .json { json in describe(code, &json) } }
                return try page(code, call, tenant)
            }
        },
        Route(
            .post, "/{code}", "Redeem a code", access: .open, body: .whole(bytesMax: Route.openBodyBytesMax),
            showing: { call, refusal in call.head.prefersJSON ? nil : .read { try again(call, $0, refusal) } }
        ) { call in
            let (emails, password, account) = try call.readForm(account)
            let prefersJSON = call.head.prefersJSON
            let customer = RedeemingCustomer(
                code: call.parameters[0], emails: emails, password: password, intent: account)
            return customer.work(call) { redeem in
                .write { tenant, detail in
                    let result = try redeem.run(tenant, &detail)
                    if prefersJSON { return .json { json in describe(result, &json) } }
                    return HTMLPage(
                        title: "Activated", theme: try tenant.theme(at: call.head.rootPath), content: done(result)
                    ).seen(by: call.head).answer()
                }
            }
        },
    ]

    private static let account = Body(
        Field.knownEmail("email"), Field.newPassword("password"),
        Field.choice("account", RedeemingCustomer.Intent.self).optional)

    // MARK: JSON

    private static func describe(_ code: ActivationCode, _ json: inout JSONWriter) {
        json.field("ok", true)
        json.field("plan", code.planName)
        json.field("days", code.days)
        json.field("status", (code.redemption == nil ? CodeStatus.available : .redeemed).rawValue)
    }

    private static func describe(_ result: RedeemCode.Result, _ json: inout JSONWriter) {
        json.field("ok", true)
        json.field("plan", result.code.planName)
        json.field("days", result.code.days)
        json.field("email", result.email)
        json.field("startsAt", result.stretch.begins.text)
        json.field("endsAt", result.stretch.ends.text)
    }

    // MARK: HTML

    /// The form once more with what is wrong; where there is no such code, that alone.
    private static func again(_ call: Call, _ tenant: TenantReader, _ refusal: Refusal) throws -> Answer {
        guard let code = try tenant.activationCode(call.parameters[0]), code.redemption == nil else { throw refusal }
        return try page(code, call, tenant, refusal)
    }

    private static func page(
        _ code: ActivationCode, _ call: Call, _ tenant: TenantReader, _ refusal: Refusal? = nil
    ) throws -> Answer {
        let open = OpenForm(call)
        let page = HTMLPage(
            title: "Activation", theme: try tenant.theme(at: call.head.rootPath),
            content: form(code, email: call.field("email"), open.tokens, refusal))
        var answer = open.answer(page, to: refusal)
        // As the dialect has it for programs.
        if let refusal { answer.status = ActivationPages().render(refusal, requestID: call.requestID).status }
        return answer
    }

    private static func plan(_ code: ActivationCode) -> HTML {
        let days = code.days == 1 ? "day" : "days"
        return "<b>\(code.planName)</b> (\(code.days) \(days))\(code.book == .test ? ", a test code" : "")"
    }

    private static func form(
        _ code: ActivationCode, email: String?, _ tokens: FormTokens, _ refusal: Refusal?
    ) -> HTML {
        if code.redemption != nil {
            return "<h1>This code has been redeemed</h1><p>It was for \(plan(code)). A code can be redeemed once.</p>"
        }
        let notice = refusal.map {
            $0.notice(["email": "E-mail address", "password": "Password"], text: text($0), hasFocus: true)
        }
        let email = Field(
            "E-mail address", name: "email", kind: .email, value: email, error: refusal?.error(of: "email"),
            autocomplete: "email")
        let password = Field(
            "Password", name: "password", kind: .password,
            hint: "\(PasswordRule.charactersMin) characters or more", error: refusal?.error(of: "password"),
            charactersMin: PasswordRule.charactersMin,
            charactersMax: PasswordRule.charactersMax, autocomplete: "current-password")
        let create = Button(
            "Create an account and activate", .primary, name: "account", value: RedeemingCustomer.Intent.new.rawValue)
        let logIn = Button("Log in and activate", name: "account", value: RedeemingCustomer.Intent.existing.rawValue)
        let form = Form(
            open: tokens,
            {
                """

                \(email)
                \(password)
                \(create)
                \(logIn)

                """
            })
        return "<h1>Activate your subscription</h1><p>This code is for \(plan(code)).</p>\(notice)\n\(form)"
    }

    private static func done(_ result: RedeemCode.Result) -> HTML {
        """
        <h1>Activated</h1><p>\(plan(result.code)) for <b>\(result.email)</b>.</p>
        <p>Your subscription runs until <time datetime="\(result.stretch.ends.text)">\(result.stretch.ends.text.prefix(10))</time>.</p>
        """
    }
}
