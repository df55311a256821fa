package import HTTPCore

/// A member of a request's body, as its schema has it.
struct BodyMember: Sendable {
    let name: String
    var schema: Schema
    /// Null takes the value away, in a change.
    var isClearable = false
}

/// One field of a body: how it is read, and what it looks like. `Field` has the kinds. A value: any thread.
package struct BodyField<Value: Sendable>: Sendable {
    let members: [BodyMember]
    /// Nil where an error was recorded.
    package let read: @Sendable (inout FieldReader, Reading) -> Value?

    init(members: [BodyMember], read: @escaping @Sendable (inout FieldReader, Reading) -> Value?) {
        self.members = members
        self.read = read
    }

    /// A kind of its own. `read` reads the member as one that has to be there.
    package init(
        _ name: String, _ schema: Schema, read: @escaping @Sendable (inout FieldReader, String, Reading) -> Value?
    ) {
        self.init(members: [BodyMember(name: name, schema: schema)]) { fields, reading in read(&fields, name, reading) }
    }

    /// The one member's.
    package var name: String {
        assert(members.count == 1, "a part has no name of its own")
        return members[0].name
    }

    /// What it looks like, where it stands for itself, say as a parameter.
    package var schema: Schema { members[0].schema }

    // MARK: How it may be missing

    /// May be left out or null, which is the same.
    package var optional: BodyField<Value?> {
        maybe(\.optional) { [name, read] fields, reading in
            fields.isThere(name) ? read(&fields, reading).map { .some($0) } : .some(nil)
        }
    }

    /// May be left out or null: it is `value` then.
    package func or(_ value: Value) -> BodyField<Value> {
        maybe(\.optional) { [name, read] fields, reading in fields.isThere(name) ? read(&fields, reading) : value }
    }

    /// May be left out of a change, but not be null.
    package var omittable: BodyField<Value?> {
        maybe(\.omittable) { [name, read] fields, reading in
            fields.isThere(name) ? read(&fields, reading).map { .some($0) } : .some(nil)
        }
    }

    /// May be left out, and is `value` then; null is none.
    package func omittable(or value: Value) -> BodyField<Value> {
        maybe(\.omittable) { [name, read] fields, reading in fields.has(name) ? read(&fields, reading) : value }
    }

    /// May be left out of a change; null clears it. Nil where it is absent, `.some(nil)` for null.
    package var clearable: BodyField<Value??> {
        let field: BodyField<Value??> = maybe(\.optional) { [name, read] fields, reading in
            if !fields.has(name) { return .some(nil) }
            if fields.isNull(name) { return .some(.some(nil)) }
            return read(&fields, reading).map { .some(.some($0)) }
        }
        var members = field.members
        members[0].isClearable = true
        return BodyField<Value??>(members: members, read: field.read)
    }

    private func maybe<Other>(
        _ describe: (Schema) -> Schema, read: @escaping @Sendable (inout FieldReader, Reading) -> Other?
    ) -> BodyField<Other> {
        BodyField<Other>(members: [BodyMember(name: name, schema: describe(members[0].schema))], read: read)
    }

    // MARK: Variants

    /// Described as this makes of it.
    package func described(_ change: (Schema) -> Schema) -> BodyField {
        BodyField(members: [BodyMember(name: name, schema: change(members[0].schema))], read: read)
    }

    /// With one more rule, which is this error where it does not hold.
    package func unless(
        _ isWrong: @escaping @Sendable (Value) -> Bool, _ code: String, _ detail: String
    ) -> BodyField {
        BodyField(members: members) { [name, read] fields, reading in
            guard let value = read(&fields, reading) else { return nil }
            guard isWrong(value) else { return value }
            fields.fail(name, code: code, detail: detail)
            return nil
        }
    }

    package func map<Made: Sendable>(_ make: @escaping @Sendable (Value) -> Made) -> BodyField<Made> {
        BodyField<Made>(members: members) { [read] fields, reading in read(&fields, reading).map(make) }
    }
}

extension FieldReader {
    /// There, and not null.
    func isThere(_ name: String) -> Bool { has(name) && !isNull(name) }
}

/// The kinds of fields that all APIs share; features have more, in extensions.
package enum Field {
    /// A line for people, of this many Unicode scalars, in NFC.
    package static func text(_ name: String, _ characters: ClosedRange<Int>) -> BodyField<String> {
        BodyField(name, .text(characters)) { fields, name, _ in fields.string(name, characters: characters) }
    }

    /// Several lines for people.
    package static func lines(_ name: String, _ most: Int) -> BodyField<String> {
        BodyField(name, .lines(most)) { fields, name, _ in fields.string(name, characters: 1...most, .lines) }
    }

    /// What programs compare: an id, a reference. In NFC, with nothing in it that nobody sees.
    package static func id(_ name: String, _ most: Int) -> BodyField<String> {
        BodyField(name, .id(most)) { fields, name, _ in fields.string(name, characters: 1...most, .id) }
    }

    /// As `EmailAddress` has it.
    package static func email(_ name: String) -> BodyField<String> {
        BodyField(name, .email) { fields, name, _ in fields.email(name) }
    }

    package static func integer(_ name: String, _ range: ClosedRange<Int64>) -> BodyField<Int64> {
        BodyField(name, .integer(range)) { fields, name, _ in fields.integer(name, in: range) }
    }

    package static func bool(_ name: String) -> BodyField<Bool> {
        BodyField(name, .boolean) { fields, name, _ in fields.bool(name) }
    }

    package static func choice<Value: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, _ type: Value.Type
    ) -> BodyField<Value> where Value.RawValue == String {
        BodyField(name, .choice(type)) { fields, name, _ in fields.choice(name, as: type) }
    }

    /// An exact amount: a decimal string or a number.
    package static func money(_ name: String, _ range: ClosedRange<Money>) -> BodyField<Money> {
        BodyField(name, .amount(range)) { fields, name, _ in fields.money(name, in: range) }
    }

    /// An amount that is paid: in the digits of the tenant's currency. Two of them are described.
    package static func payable(_ name: String, _ range: ClosedRange<Money>) -> BodyField<Money> {
        BodyField(name, .amount(range, digits: Currency.usDollar.minorUnitDigits)) { fields, name, reading in
            fields.money(name, in: range, fractionDigitsMax: reading.currency.minorUnitDigits)
        }
    }

    /// 0 to 100.
    package static func percent(_ name: String) -> BodyField<Percent> {
        BodyField(name, .percent) { fields, name, _ in fields.percent(name) }
    }

    /// An object of its own.
    package static func object<Value>(_ name: String, _ body: Body<Value>) -> BodyField<Value> {
        BodyField(name, body.schema) { fields, name, reading in
            guard var nested = fields.object(name) else { return nil }
            let value = nested.readWhole(body, reading)
            fields.absorb(nested)
            return value
        }
    }

    /// Objects, each as `body` says.
    package static func list<Value>(
        _ name: String, _ body: Body<Value>, _ count: ClosedRange<Int>
    ) -> BodyField<[Value]> {
        BodyField(name, .array(of: body.schema, count: count)) { fields, name, reading in
            guard let elements = fields.array(name, count: count) else { return nil }
            var values: [Value] = []
            for (index, element) in elements.enumerated() {
                var nested = fields.reader(of: element, at: index, in: name)
                if let value = nested.readWhole(body, reading) { values.append(value) }
                fields.absorb(nested)
            }
            return values.count == elements.count ? values : nil
        }
    }

    /// The fields of another body, in this one.
    package static func part<Value>(_ body: Body<Value>) -> BodyField<Value> {
        BodyField(members: body.members) { fields, reading in (try? body.read(&fields, reading)) ?? nil }
    }
}
