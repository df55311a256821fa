package import HTTPCore
package import TenantRegistry

/// What a body's fields may hang on besides the body: the time of the call, the tenant's currency, and which addresses
/// this node calls.
package struct Reading: Sendable {
    package let now: Timestamp
    private let currencyCode: String
    package let allowsPrivateAddresses: Bool

    package init(now: Timestamp, currencyCode: String, allowsPrivateAddresses: Bool) {
        self.now = now
        self.currencyCode = currencyCode
        self.allowsPrivateAddresses = allowsPrivateAddresses
    }

    package var currency: Currency { Currency(currencyCode) ?? .usDollar }

    /// For fields that hang on the body alone.
    package static let none = Reading(
        now: Timestamp(milliseconds: 0), currencyCode: "", allowsPrivateAddresses: false)
}

/// A request's body, declared once: `read` gives typed values, and `schema` describes just what is read (decision
/// 0022).
///
/// Invariant: fields are read in the order in which they are declared; `read` gives nil only where it recorded an
/// error.
/// A value: any thread.
package struct Body<Value: Sendable>: Sendable {
    package private(set) var schema: Schema
    let members: [BodyMember]
    /// The members' names: any other is unknown.
    fileprivate let names: [String]
    private let reader: @Sendable (inout FieldReader, Reading) throws(Refusal) -> Value?

    /// Nothing is thrown before all fields are read, so that a client hears of all errors at once.
    package init<each Part: Sendable>(_ fields: repeat BodyField<each Part>) where Value == (repeat each Part) {
        let all = (repeat each fields)
        self.init(repeat each fields) { fields, reading in
            let values = (repeat (each all).read(&fields, reading))
            return try? (repeat known(each values))
        }
    }

    /// The same fields, read by `reading` in their order: for a body that is read all day. Above, the types of all
    /// fields together are looked up at each call, which costs more than the reading.
    package init<each Part: Sendable>(
        _ fields: repeat BodyField<each Part>,
        reading: @escaping @Sendable (inout FieldReader, Reading) -> Value?
    ) {
        var members: [BodyMember] = []
        for field in repeat each fields { members += field.members }
        self.init(
            schema: Schema(members: members.map { ($0.name, $0.schema) }), members: members, reader: reading)
    }

    private init(
        schema: Schema, members: [BodyMember],
        reader: @escaping @Sendable (inout FieldReader, Reading) throws(Refusal) -> Value?
    ) {
        self.schema = schema
        self.members = members
        names = members.map(\.name)
        self.reader = reader
    }

    /// A change of a part (PATCH): at least one of the fields has to be there, and null only clears what is
    /// `clearable`.
    package static func change<each Part: Sendable>(_ fields: repeat BodyField<each Part>) -> Body
    where Value == (repeat each Part) {
        let body = Body(repeat each fields)
        let names = body.names
        let clearable = body.members.filter(\.isClearable).map(\.name)
        return Body(schema: .change(body.schema), members: body.members) { (fields, reading) throws(Refusal) in
            fields.expectChange(of: names, clearable: clearable)
            return try body.read(&fields, reading)
        }
    }

    // MARK: Variants

    /// Described once, under this name.
    package func named(_ name: String) -> Body { described { .named(name, $0) } }

    /// No body at all is a body without fields.
    package var omittable: Body { described(\.omittable) }

    /// Described as this makes of it: for rules that no field has alone.
    package func described(_ change: (Schema) -> Schema) -> Body {
        var copy = self
        copy.schema = change(schema)
        return copy
    }

    /// Looks at what was sent before the fields are read.
    package func checkedFirst(_ check: @escaping @Sendable (inout FieldReader) -> Void) -> Body {
        let reader = reader
        return Body(schema: schema, members: members) { (fields, reading) throws(Refusal) in
            check(&fields)
            return try reader(&fields, reading)
        }
    }

    package func map<Made: Sendable>(_ make: @escaping @Sendable (Value) -> Made) -> Body<Made> {
        made { value, _ in make(value) }
    }

    /// What the fields make together; nil where they do not go together, which `make` then records.
    package func made<Made: Sendable>(
        _ make: @escaping @Sendable (Value, inout FieldReader) -> Made?
    ) -> Body<Made> {
        let reader = reader
        return Body<Made>(schema: schema, members: members) { (fields, reading) throws(Refusal) in
            guard let value = try reader(&fields, reading) else { return nil }
            return make(value, &fields)
        }
    }

    // MARK: Reading

    /// Nil where `fields` has got an error.
    package func read(_ fields: inout FieldReader, _ reading: Reading) throws(Refusal) -> Value? {
        try reader(&fields, reading)
    }
}

extension Call {
    /// What fields hang on besides the body.
    package var reading: Reading {
        Reading(
            now: now, currencyCode: realm.tenant?.profile.currency ?? "",
            allowsPrivateAddresses: services.outbound.allowsPrivateAddresses)
    }

    /// The body's values, or a refusal that names everything that is wrong with it.
    package func read<Value>(_ body: Body<Value>) throws(Refusal) -> Value {
        var fields = body.schema.mayBeAbsent ? try optionalFields() : try fields()
        return try fields.read(body, reading)
    }

    /// The same of a form as a page sends it, or of JSON.
    package func readForm<Value>(_ body: Body<Value>) throws(Refusal) -> Value {
        var fields = try fieldsOrForm()
        return try fields.read(body, reading)
    }
}

extension FieldReader {
    /// The values of a whole body.
    package mutating func read<Value>(_ body: Body<Value>, _ reading: Reading) throws(Refusal) -> Value {
        let value = try body.read(&self, reading)
        expectNoOthers(than: body.names)
        return try finish(value)
    }

    /// The values of an object, among other things that are judged; nil where an error was recorded.
    package mutating func readWhole<Value>(_ body: Body<Value>, _ reading: Reading) -> Value? {
        let value = try? body.read(&self, reading)
        expectNoOthers(than: body.names)
        return value ?? nil
    }

    /// One field, among others that are read by hand.
    package mutating func read<Value>(_ field: BodyField<Value>, _ reading: Reading = .none) -> Value? {
        field.read(&self, reading)
    }

    /// Throws what was gathered, or gives the values, which are all there then. Call it once every field has been read.
    package func finish<each Value>(_ values: repeat (each Value)?) throws(Refusal) -> (repeat each Value) {
        try finish()
        return (repeat try known(each values))
    }
}

/// A required read that returned nil has recorded an error; so nil without one is a defect.
private func known<Value>(_ value: Value?) throws(Refusal) -> Value {
    guard let value else { throw .defect }
    return value
}
