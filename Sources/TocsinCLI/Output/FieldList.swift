/// Names with values, one a line, the values in one column.
///
/// Long values are not cut.
struct FieldList {
    var fields: [(name: String, value: String)]

    init(_ fields: [(String, String?)]) {
        self.fields = fields.compactMap { name, value in value.map { (name, $0) } }
    }

    func render(_ context: RenderContext) -> String {
        let width = fields.map(\.name.count).max() ?? 0
        return fields.map { field in
            context.styled(field.name, .bold) + String(repeating: " ", count: width - field.name.count + 2)
                + Printable.line(field.value) + "\n"
        }.joined()
    }
}
