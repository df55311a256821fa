import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// Resellers: inviting, reading, terms, moves, signing secrets (O3).
extension OperatorAdmin {
    static let resellers: [Route] = [
        Route(
            .post, "/resellers", "Invite a reseller", access: .administrator, idempotency: .accepted,
            takes: ResellerApplication.invited.schema, gives: .made(Schemas.invited), refuses: [409]
        ) { call in
            let application = try call.read(ResellerApplication.invited)
            let token = application.hasPassword ? nil : LinkToken(random: call.services.random)
            return .background {
                let invite = InviteReseller(application: try application.hashed(call.services), token: token)
                return .write { tenant, detail in
                    let made = try invite.run(tenant, &detail)
                    let known = try tenant.known(made.reseller, call)
                    return .shownOnce(201) { json, isShown in
                        let invited = Schemas.Invited(
                            known: known, webhookSecret: isShown ? made.webhookSecret : nil,
                            invitationURL: isShown
                                ? token.map { AccountLink.invitation.url($0, below: call.baseURL) } : nil)
                        Schemas.invited.write(invited, in: tenant.currency, to: &json)
                    }
                }
            }
        },
        Route(
            .get, "/resellers", "List resellers", access: .administrator,
            parameters: .page(
                .query("status", .resellerState), .query("email", .email), .search, .mode),
            gives: .list(Schemas.resellerWithBalance)
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            var filter = ResellerFilter()
            filter.state = try query.resellerState("status")
            filter.email = try query.email("email")
            filter.prefix = try query.search()
            let book = try query.mode(or: call.book)
            return .read { [filter] tenant in
                let rows = try tenant.resellers(filter, after: page.after, limit: page.fetch)
                let whole = try rows.map { try tenant.whole($0, in: book, call) }
                return page.answer(whole, id: \.known.reseller.id, Schemas.resellerWithBalance, in: tenant.currency)
            }
        },
        Route(
            .get, "/resellers/{id}", "Read a reseller", access: .administrator, parameters: [.mode],
            gives: .read(Schemas.resellerWithBalance)
        ) { call in
            let book = try call.query().mode(or: call.book)
            return .read { tenant in
                let reseller = try tenant.knownReseller(call.parameters[0])
                return .json(
                    Schemas.resellerWithBalance, try tenant.whole(reseller, in: book, call), in: tenant.currency)
            }
        },
        Route(
            .patch, "/resellers/{id}", "Change who a reseller is, and its terms", access: .administrator,
            takes: Schemas.resellerChange.schema,
            gives: .done(Schemas.resellerAnswer), refuses: [409]
        ) { call in
            let (profile, change) = try changes(call)
            return .write { tenant, detail in
                var reseller = try profile.run(tenant, &detail)
                detail.note("reseller", reseller.publicID)
                if let change { reseller = try change.run(tenant, &detail) }
                if change?.creditLimit != nil {
                    try PayDueServices.run(
                        tenant, resellerID: reseller.id, book: .live, keyID: call.keyID, &detail)
                }
                return .json(Schemas.resellerAnswer, try tenant.known(reseller, call), in: tenant.currency)
            }
        },
        Route(
            .post, "/resellers/{id}/invitation", "Send a reseller that has no password a new invitation",
            access: .administrator, idempotency: .accepted, gives: .made(Schemas.invitedAgain), refuses: [409]
        ) { call in
            let token = LinkToken(random: call.services.random)
            let invite = InviteAgain(resellerID: call.parameters[0], token: token)
            return .write { tenant, detail in
                let sent = try invite.run(tenant, &detail)
                return .shownOnce(201) { json, isShown in
                    let invited = Schemas.InvitedAgain(
                        sent: sent, url: isShown ? AccountLink.invitation.url(token, below: call.baseURL) : nil)
                    Schemas.invitedAgain.write(invited, in: tenant.currency, to: &json)
                }
            }
        },
        Route(
            .post, "/resellers/{id}/password-reset", "Make a link by which a reseller sets a new password",
            access: .administrator, idempotency: .accepted, needsNoRoom: true, gives: .made(PersonBodies.reset),
            refuses: [409]
        ) { call in
            PasswordAnswers.reset(call) { tenant in
                try tenant.account(of: try tenant.standingReseller(call.parameters[0]))
            }
        },
        Route(
            .post, "/resellers/{id}/webhook-secret/rotate", "Give a reseller a new signing secret",
            access: .administrator, idempotency: .accepted, needsNoRoom: true,
            takes: WebhookBodies.rotation(.native).schema, gives: .done(Schemas.newSecret), refuses: [409]
        ) { call in
            let rotate = RotateResellerSecret(
                resellerID: call.parameters[0], overlapSeconds: try call.read(WebhookBodies.rotation(.native)))
            return .write { tenant, detail in
                let rotated = try rotate.run(tenant, &detail)
                return .shownOnce(200) { json, isShown in
                    let new = Schemas.NewSecret(
                        id: rotated.reseller.publicID, webhookSecret: isShown ? rotated.secret : nil,
                        previousValidUntil: rotated.previousValidUntil)
                    Schemas.newSecret.write(new, in: tenant.currency, to: &json)
                }
            }
        },
    ]

    /// `POST /resellers/{id}/approve | suspend | resume | terminate`.
    static let resellerMoves: [Route] = ResellerState.Move.allCases.map { move in
        Route(
            .post, "/resellers/{id}/\(move.rawValue)", "\(move.rawValue.capitalized) a reseller",
            access: .administrator, needsNoRoom: move == .suspend || move == .terminate,
            gives: .done(Schemas.resellerAnswer), refuses: [409]
        ) { call in
            let move = MoveReseller(resellerID: call.parameters[0], move: move, accountID: call.accountID)
            return .write { tenant, detail in
                let reseller = try move.run(tenant, &detail)
                return .json(Schemas.resellerAnswer, try tenant.known(reseller, call), in: tenant.currency)
            }
        }
    }

    /// Who it is, and what was agreed; nil where that stays.
    private static func changes(_ call: Call) throws -> (ChangeResellerProfile, ChangeResellerTerms?) {
        var profile = ChangeResellerProfile(resellerID: call.parameters[0])
        var terms = ChangeResellerTerms(resellerID: call.parameters[0], author: call.limitAuthor)
        (
            profile.email, profile.name, profile.company, profile.notes, terms.defaultDiscountRate, terms.creditLimit,
            terms.limit, terms.apiAccess, terms.lowBalanceThreshold
        ) = try call.read(Schemas.resellerChange)
        return (profile, terms.isEmpty ? nil : terms)
    }
}

extension TenantReader {
    fileprivate func known(_ reseller: Reseller, _ call: Call) throws -> OperatorAdmin.Schemas.KnownReseller {
        OperatorAdmin.Schemas.KnownReseller(
            reseller: reseller, approvedBy: try reseller.approvedBy.flatMap { try account(id: $0) }?.email,
            notes: try notes(ofReseller: reseller.id), limit: KeyBodies.LimitNow(of: reseller, call))
    }

    fileprivate func whole(
        _ reseller: Reseller, in book: Book, _ call: Call
    ) throws -> OperatorAdmin.Schemas.ResellerWithBalance {
        OperatorAdmin.Schemas.ResellerWithBalance(
            known: try known(reseller, call), balances: try balances(of: reseller, book: book),
            lastCall: try lastCall(ofReseller: reseller.id),
            recentOrders: try recentOrders(ofReseller: reseller.id, book: book, at: call.now))
    }
}
