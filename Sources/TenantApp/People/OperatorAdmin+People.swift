import CallKit
import HTTPCore
import TenantRegistry

/// The tenant's own people, by its owner (O13).
extension OperatorAdmin {
    static let people: [Route] = [
        Route(
            .get, "/people", "List the tenant's people", access: .owner,
            parameters: .page(
                .query("role", .choice(PersonRole.self)), .query("state", .choice(AccountState.self)),
                .query("email", .email)),
            gives: .list(PersonBodies.person)
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let role = try query.choice("role", as: PersonRole.self)
            let state = try query.choice("state", as: AccountState.self)
            let email = try query.email("email")
            return .read { tenant in
                let people = try tenant.people(
                    role: role?.account, state: state, email: email, after: page.after, limit: page.fetch)
                return page.answer(people, id: \.id, PersonBodies.person, in: tenant.currency)
            }
        },
        Route(
            .post, "/people", "Make a person, who sets a password through a link", access: .owner,
            idempotency: .accepted, takes: PersonBodies.new.schema, gives: .made(PersonBodies.invited), refuses: [409]
        ) { call in
            let (email, name, role) = try call.read(PersonBodies.new)
            let token = LinkToken(random: call.services.random)
            let add = AddPerson(email: email, name: name, role: role, token: token)
            return .write { tenant, detail in
                let person = try add.run(tenant, &detail)
                return .shownOnce(201) { json, isShown in
                    let url = isShown ? AccountLink.invitation.url(token, below: call.baseURL) : nil
                    PersonBodies.invited.write(
                        PersonBodies.Invited(person: person, invitationURL: url), in: tenant.currency, to: &json)
                }
            }
        },
        Route(.get, "/people/{id}", "Read a person", access: .owner, gives: .read(PersonBodies.person)) { call in
            .read { tenant in
                .json(PersonBodies.person, try tenant.knownPerson(call.parameters[0]), in: tenant.currency)
            }
        },
        Route(
            .patch, "/people/{id}", "Change a person's role or state", access: .owner, needsNoRoom: true,
            takes: PersonBodies.change.schema, gives: .done(PersonBodies.person), refuses: [402, 409]
        ) { call in
            let (name, role, state) = try call.read(PersonBodies.change)
            let change = ChangePerson(personID: call.parameters[0], name: name, role: role, state: state)
            return .flow { steps in
                let person = try await steps.read { try change.judge($0) }
                if change.touchesSessions {
                    _ = try await EndSessions.untilFew(steps) { _ in
                        EndSessions(.account(person.id), sparingOwner: false, but: call.keyID)
                    }
                }
                return .write { tenant, detail in
                    .json(PersonBodies.person, try change.run(tenant, &detail), in: tenant.currency)
                }
            }
        },
        Route(
            .post, "/people/{id}/password-reset", "Make a link by which a person sets a new password",
            access: .owner, idempotency: .accepted, needsNoRoom: true, gives: .made(PersonBodies.reset), refuses: [409]
        ) { call in PasswordAnswers.reset(call) { try $0.knownPerson(call.parameters[0]) } },
        Route(
            .get, "/people/{id}/sessions", "List where a person is signed in", access: .owner,
            parameters: .page(), gives: .list(SessionBodies.session)
        ) { call in
            try SessionAnswers.list(call, of: ofPerson(call)) { tenant, rows, page in
                page.answer(rows, id: \.key.id, SessionBodies.session, in: tenant.currency)
            }
        },
        Route(
            .delete, "/people/{id}/sessions", "Sign a person out everywhere", access: .owner,
            gives: .done(SessionBodies.ended)
        ) { call in SessionAnswers.endOthers(call, of: ofPerson(call)) { .json(SessionBodies.ended, $0, in: $1) } },
        Route(
            .delete, "/people/{id}/sessions/{session}", "End one of a person's sessions", access: .owner,
            gives: .nothing
        ) { call in SessionAnswers.end(call, call.parameters[1], of: ofPerson(call)) },
    ]

    private static func ofPerson(_ call: Call) -> SessionAnswers.Finding {
        let id = call.parameters[0]
        return { tenant in .account(try tenant.knownPerson(id).id) }
    }
}
