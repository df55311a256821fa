import CallKit
import HTTPCore
import PageKit
import Testing

@Suite("A form that was refused")
struct AttemptTests {
    @Test("U5 a field that was left empty is told to be required, whatever the API says of an empty text")
    func emptyFields() {
        let errors = [
            FieldError(pointer: "/name", code: "length", detail: "must have 1 to 200 characters"),
            FieldError(pointer: "/limit/window_seconds", code: "type", detail: "must be an integer"),
            FieldError(pointer: "/email", code: "format", detail: "must be an email address"),
            FieldError(pointer: "/burst", code: "range", detail: "would take too long to fill again"),
        ]
        let attempt = Attempt(
            .invalid(errors), [("name", ""), ("limit.window_seconds", ""), ("email", "x"), ("burst", "")],
            call: "POST /api-keys")
        #expect(attempt.error(of: "name") == "is required")
        #expect(attempt.error(of: "limit.window_seconds") == "is required")
        #expect(attempt.error(of: "email") == "must be an email address")
        #expect(attempt.error(of: "burst") == "would take too long to fill again")
    }

    @Test("U1 a slug that is taken is told at its field")
    func takenSlug() {
        let attempt = Attempt(.conflict(.slugTaken), [("slug", "acme")], call: "POST /tenants")
        #expect(attempt.error(of: "slug") == "There is a tenant with this slug.")
        #expect(attempt.error(of: "owner_email") == nil)
    }
}
