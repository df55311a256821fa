package import HTTPCore

/// A page's form as the JSON body that it stands for: names are members, `limit.requests` is a member's member and
/// `rows.0.sku` one of an array's. A member that the schema does not have is handed on as text, and refused where the
/// body is read. Names that begin with `_` are the form's own.
extension Schema {
    /// Whether it is of a change: what is left out stays, and something has to be there.
    package var isOfChange: Bool {
        guard case .array(let kinds)? = json["anyOf"], json["properties"] != nil else { return false }
        return json["required"] == nil && kinds.allSatisfy { $0["required"] != nil }
    }

    /// What a member that is a list of names may hold, say the events of a webhook.
    package func choices(of member: String) -> [String] {
        guard case .array(let names)? = json["properties"]?[member]?["items"]?["enum"] else { return [] }
        return names.compactMap { if case .string(let name) = $0 { name } else { nil } }
    }

    /// Whether its objects have this member: a field of a query's name is then the body's.
    package func hasMember(_ name: String) -> Bool { json["properties"]?[name] != nil }

    /// `isChange`: an empty field clears what may be cleared; elsewhere it stands for nothing.
    package func body(ofForm pairs: [(name: String, value: String)], isChange: Bool) -> JSON {
        let fields = pairs.filter { !$0.name.hasPrefix("_") }.map { FormField($0.name, $0.value) }
        return FormReading(components: components, isChange: isChange).object(fields, json)
    }
}

private struct FormField {
    /// Of a name that goes deeper no body is made: it is one piece, which no schema has.
    static let depthMax = 8

    let path: ArraySlice<Substring>
    let value: String

    init(_ name: String, _ value: String) {
        let pieces = name.split(separator: ".", maxSplits: Self.depthMax, omittingEmptySubsequences: false)
        path = pieces.count > Self.depthMax ? [name[...]] : pieces[...]
        self.value = value
    }

    private init(path: ArraySlice<Substring>, value: String) { (self.path, self.value) = (path, value) }

    /// Nil for what is not below a name.
    var below: FormField? { path.count > 1 ? FormField(path: path.dropFirst(), value: value) : nil }

    /// Those of each first name, in the order in which the names come first.
    static func byName(_ fields: [FormField]) -> [(name: Substring, fields: [FormField])] {
        var places: [Substring: Int] = [:]
        var groups: [(name: Substring, fields: [FormField])] = []
        for field in fields {
            let name = field.path[field.path.startIndex]
            if let place = places[name] {
                groups[place].fields.append(field)
            } else {
                places[name] = groups.count
                groups.append((name, [field]))
            }
        }
        return groups
    }
}

private struct FormReading {
    let components: [String: [JSONMember]]
    let isChange: Bool

    func object(_ fields: [FormField], _ schema: JSON) -> JSON {
        // Of one of several shapes, a member is what the first has it for that has it.
        let shapes = kinds(schema)
        var members: [JSONMember] = []
        for (name, own) in FormField.byName(fields) {
            let name = String(name)
            let known = shapes.compactMap { $0["properties"]?[name] }.first
            let type = known ?? shapes.compactMap { $0["additionalProperties"] }.first ?? .object([])
            let isRequired = shapes.allSatisfy { strings($0["required"]).contains(name) }
            if let value = member(own, type, isRequired: isRequired) {
                members.append(JSONMember(name: name, value: value))
            }
        }
        return .object(members)
    }

    /// Nil: the member is left out.
    private func member(_ fields: [FormField], _ type: JSON, isRequired: Bool) -> JSON? {
        let types = kinds(type)
        let nested = fields.compactMap(\.below)
        if let schema = types.first(where: { resolved($0)["type"] == .string("array") || isArray(resolved($0)) }) {
            return array(fields, nested, resolved(schema)["items"] ?? .object([]))
        }
        if !nested.isEmpty {
            // Nobody has filled it in, whatever its own members ask for.
            if !isRequired, takesNull(type), nested.allSatisfy(\.value.isEmpty) { return isChange ? .null : nil }
            let schema = types.first {
                resolved($0)["properties"] != nil || resolved($0)["additionalProperties"] != nil
            }
            let value = object(nested, schema ?? .object([]))
            if case .object(let members) = value, members.isEmpty { return isChange && takesNull(type) ? .null : nil }
            return value
        }
        // The last one counts: a checkbox stands behind the hidden field that says what it is when it is not checked.
        guard let text = fields.last?.value else { return nil }
        return scalar(text, type, types, isRequired: isRequired)
    }

    private func scalar(_ typed: String, _ type: JSON, _ types: [JSON], isRequired: Bool) -> JSON? {
        let names = types.flatMap { typeNames(resolved($0)) }
        // Spaces around a number came along as it was copied.
        let text = names.contains("integer") || names.contains("number") ? typed.unpadded : typed
        if text.isEmpty {
            if isChange, takesNull(type) { return .null }
            return isRequired ? .string("") : nil
        }
        if types.contains(where: { resolved($0)["format"] == .string("date-time") }), let time = LocalTime.utc(text) {
            return .string(time)
        }
        if names.contains("boolean"), text == "true" || text == "false" { return .bool(text == "true") }
        let isNumber = names.contains("integer") || names.contains("number") && !names.contains("string")
        if isNumber, let value = try? JSON.parse(Array(text.utf8)), case .number = value { return value }
        return .string(text)
    }

    private func array(_ fields: [FormField], _ nested: [FormField], _ items: JSON) -> JSON? {
        if nested.isEmpty {
            let texts = fields.map(\.value).filter { !$0.isEmpty }
            return .array(texts.compactMap { scalar($0, items, kinds(items), isRequired: true) })
        }
        return .array(FormField.byName(nested).compactMap { member($0.fields, items, isRequired: true) })
    }

    // MARK: Schemas

    private func resolved(_ schema: JSON) -> JSON {
        guard case .string(let reference)? = schema["$ref"], let name = reference.split(separator: "/").last else {
            return schema
        }
        return components[String(name)].map { .object($0) } ?? schema
    }

    /// The schema, or those of which it may be one.
    private func kinds(_ schema: JSON) -> [JSON] {
        let schema = resolved(schema)
        guard case .array(let kinds)? = schema["anyOf"], schema["properties"] == nil else { return [schema] }
        return kinds.flatMap(self.kinds)
    }

    private func typeNames(_ schema: JSON) -> [String] {
        if case .string(let type)? = schema["type"] { return [type] }
        return strings(schema["type"])
    }

    private func isArray(_ schema: JSON) -> Bool { typeNames(schema).contains("array") }

    private func takesNull(_ schema: JSON) -> Bool { kinds(schema).contains { typeNames($0).contains("null") } }

    private func strings(_ json: JSON?) -> [String] {
        guard case .array(let values)? = json else { return [] }
        return values.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }
}
