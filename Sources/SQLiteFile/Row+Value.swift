package import GRDB

extension Row {
    /// The value of a column; throws `.corrupt` when it is of a type that is never written there.
    ///
    /// GRDB's subscripts end the process then, and a damaged page must not. An optional type takes NULL too.
    package func value<Value: DatabaseValueConvertible>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(StoreError) -> Value {
        guard let value = Value.fromDatabaseValue(self[column] as DatabaseValue) else {
            throw StoreError(.corrupt, "the column \(column) holds a value of another type than was written")
        }
        return value
    }

    /// The value of the column at a position; throws as the other does.
    package func value<Value: DatabaseValueConvertible>(
        at position: Int, as type: Value.Type = Value.self
    ) throws(StoreError) -> Value {
        guard let value = Value.fromDatabaseValue(self[position] as DatabaseValue) else {
            throw StoreError(.corrupt, "column \(position) holds a value of another type than was written")
        }
        return value
    }
}
