import Testing

@testable import LogText

@Suite struct LastLinesTests {
    @Test func boundsHold() {
        let redactor = Redactor()
        var last = LastLines(linesMax: 3, bytesMax: 20)
        #expect(last.isEmpty)
        for word in ["one", "two", "three", "four"] { last.append(redactor.redact(word.utf8)) }
        #expect(last.text == "two\nthree\nfour")
        last.append(redactor.redact("a line of twenty."[...].utf8))
        #expect(last.text == "a line of twenty.")
        last.append(redactor.redact("a line that is longer than all".utf8))
        #expect(last.text == "")
    }
}
