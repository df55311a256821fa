package import HTTPCore

/// An answer's object, declared once: `write` writes a value of it, and `schema` describes just what is written
/// (decision 0022).
///
/// Invariant: members are written in the order in which they are declared. A value: any thread.
package struct Shape<Value>: Sendable {
    package typealias Write = @Sendable (_ value: Value, _ currency: Currency, _ json: inout JSONWriter) -> Void

    /// One member or, of a part, several.
    package struct Member: Sendable {
        fileprivate let described: [(name: String, schema: Schema)]
        fileprivate let isDescribedLast: Bool
        fileprivate let write: Write

        fileprivate init(_ name: StaticString, _ schema: Schema, write: @escaping Write) {
            self.init([(name.description, schema)], write: write)
        }

        fileprivate init(
            _ described: [(name: String, schema: Schema)], isDescribedLast: Bool = false, write: @escaping Write
        ) {
            self.described = described
            self.isDescribedLast = isDescribedLast
            self.write = write
        }
    }

    package let members: [Member]
    package let schema: Schema
    fileprivate let described: [(name: String, schema: Schema)]
    private let writing: Write

    package init(_ members: [Member]) {
        self.members = members
        writing = Self.chain(members.map(\.write)[...])
        described = (members.filter { !$0.isDescribedLast } + members.filter(\.isDescribedLast)).flatMap(\.described)
        schema = Schema(members: described)
    }

    /// Described once, under this name.
    package init(_ name: String, _ members: [Member]) {
        let unnamed = Shape(members)
        self.members = members
        described = unnamed.described
        writing = unnamed.writing
        schema = .named(name, unnamed.schema)
    }

    /// One closure that runs them all, four at a time: an array of closures costs a copy of each.
    private static func chain(_ writes: ArraySlice<Write>) -> Write {
        switch writes.count {
        case 0: return { _, _, _ in }
        case 1: return writes[writes.startIndex]
        case 2...3:
            let (first, rest) = (writes[writes.startIndex], chain(writes.dropFirst()))
            return { value, currency, json in
                first(value, currency, &json)
                rest(value, currency, &json)
            }
        default:
            let at = writes.startIndex
            let (first, second, third) = (writes[at], writes[at + 1], writes[at + 2])
            let rest = chain(writes.dropFirst(3))
            return { value, currency, json in
                first(value, currency, &json)
                second(value, currency, &json)
                third(value, currency, &json)
                rest(value, currency, &json)
            }
        }
    }

    /// The members, in an object that the caller has begun.
    package func write(_ value: Value, in currency: Currency, to json: inout JSONWriter) {
        writing(value, currency, &json)
    }
}

// MARK: Kinds of members

extension Shape.Member {
    /// `schema`: what it looks like, where the type says too little.
    package static func member<Told: AnswerValue>(
        _ name: StaticString, as schema: Schema = Told.schema, _ get: @escaping @Sendable (Value) -> Told
    ) -> Self {
        let written = JSONMemberName(name)
        return Self(name, schema) { value, currency, json in
            json.name(written)
            get(value).write(in: currency, to: &json)
        }
    }

    /// Left out where it is nil.
    package static func omittable<Told: AnswerValue>(
        _ name: StaticString, _ get: @escaping @Sendable (Value) -> Told?
    ) -> Self {
        let written = JSONMemberName(name)
        return Self(name, Told.schema.omittable) { value, currency, json in
            guard let told = get(value) else { return }
            json.name(written)
            told.write(in: currency, to: &json)
        }
    }

    /// The tenant's currency, by its code.
    package static func currency(_ name: StaticString) -> Self {
        Self(name, Currency.schema) { _, currency, json in json.field(name, currency.code) }
    }

    /// An object of its own.
    package static func object<Inner>(
        _ name: StaticString, _ shape: Shape<Inner>, _ get: @escaping @Sendable (Value) -> Inner
    ) -> Self {
        Self(name, shape.schema) { value, currency, json in
            json.object(name) { json in shape.write(get(value), in: currency, to: &json) }
        }
    }

    package static func objectOrNull<Inner>(
        _ name: StaticString, _ shape: Shape<Inner>, _ get: @escaping @Sendable (Value) -> Inner?
    ) -> Self {
        Self(name, shape.schema.nullable) { value, currency, json in
            guard let inner = get(value) else { return json.null(name) }
            json.object(name) { json in shape.write(inner, in: currency, to: &json) }
        }
    }

    package static func list<Inner>(
        _ name: StaticString, _ shape: Shape<Inner>, _ get: @escaping @Sendable (Value) -> [Inner]
    ) -> Self {
        Self(name, .array(of: shape.schema)) { value, currency, json in
            json.array(name) { json in
                for inner in get(value) { json.object { json in shape.write(inner, in: currency, to: &json) } }
            }
        }
    }

    /// Objects by names that are data.
    package static func map<Inner>(
        _ name: StaticString, _ shape: Shape<Inner>, _ get: @escaping @Sendable (Value) -> [(name: String, Inner)]
    ) -> Self {
        Self(name, .map(of: shape.schema)) { value, currency, json in
            json.object(name) { json in
                for (name, inner) in get(value) {
                    json.object(named: name) { json in shape.write(inner, in: currency, to: &json) }
                }
            }
        }
    }

    /// An object of more members of the same value.
    package static func object(_ name: StaticString, _ members: [Self]) -> Self {
        let shape = Shape<Value>(members)
        return Self(name, shape.schema) { value, currency, json in
            json.object(name) { json in shape.write(value, in: currency, to: &json) }
        }
    }

    /// The members of something else, in this object. `isDescribedLast`: the description has them behind the object's
    /// own, wherever they are written.
    package static func part<Inner>(
        _ members: [Shape<Inner>.Member], isDescribedLast: Bool = false, _ get: @escaping @Sendable (Value) -> Inner
    ) -> Self {
        let shape = Shape<Inner>(members)
        return Self(shape.described, isDescribedLast: isDescribedLast) { value, currency, json in
            shape.write(get(value), in: currency, to: &json)
        }
    }

    /// `"ok": true`.
    package static var ok: Self { .member("ok") { _ in true } }

    /// A member that only `Answer.shownOnce` writes, in place of the secret.
    package static var alreadyShown: Self { Self("already_shown", .boolean.omittable) { _, _, _ in } }
}

// MARK: Answers

extension Success {
    /// 200; nothing was written.
    package static func read<Value>(_ shape: Shape<Value>) -> Success { read(shape.schema) }
    /// 200, written.
    package static func done<Value>(_ shape: Shape<Value>) -> Success { done(shape.schema) }
    /// 201, written.
    package static func made<Value>(_ shape: Shape<Value>) -> Success { made(shape.schema) }
    /// A page of a native list.
    package static func list<Value>(_ shape: Shape<Value>) -> Success { list(shape.schema) }
}

extension Answer {
    package static func json<Value>(_ shape: Shape<Value>, _ value: Value, in currency: Currency) -> Answer {
        json(200, shape, value, in: currency)
    }

    package static func json<Value>(
        _ status: Int, _ shape: Shape<Value>, _ value: Value, in currency: Currency
    ) -> Answer {
        .json(status) { json in shape.write(value, in: currency, to: &json) }
    }
}

extension Paging {
    /// `{data, has_more, next_cursor}` of the rows fetched by `fetch`.
    package func answer<Element>(
        _ rows: [Element], id: (Element) -> Int64, _ shape: Shape<Element>, in currency: Currency
    ) -> Answer {
        answer(rows, id: id) { row, json in shape.write(row, in: currency, to: &json) }
    }
}
