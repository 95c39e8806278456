import GRPCCore
import QueryWire
import Testing

struct QueryErrorTests {
    @Test(arguments: [
        (QueryError.Code.notFound, RPCError.Code.notFound), (.invalidArgument, .invalidArgument),
        (.failedPrecondition, .failedPrecondition), (.permissionDenied, .permissionDenied),
        (.unavailable, .unavailable),
        (.resourceExhausted, .resourceExhausted),
    ])
    func hasItsStatus(code: QueryError.Code, status: RPCError.Code) {
        let error = QueryError(code, "why")
        #expect(error.rpcError.code == status)
        #expect(error.rpcErrorCode == status)
        #expect(error.rpcErrorMessage == "why")
        #expect(QueryError(error.rpcError) == error)
    }

    @Test func otherStatusesAreNotOurs() {
        #expect(QueryError(RPCError(code: .internalError, message: "x")) == nil)
        #expect(QueryError(RPCError(code: .deadlineExceeded, message: "x")) == nil)
    }

    @Test func messagesAreBounded() {
        #expect(QueryError(.notFound, String(repeating: "x", count: 5000)).message.count == QueryError.messageMax)
    }
}
