import AgentSettings
import ConfigurationKit
import CoordinatorSettings
import FuzzSupport

/// One input: a configuration file, read as each of the three kinds.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzConfiguration(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let text = String(decoding: Fuzz.bytes(start, size), as: UTF8.self)
    let source = ConfigurationSource(file: "fuzz.yaml", folder: "/nowhere", text: text)
    func read<Value>(_ decode: () throws(ConfigurationError) -> Loaded<Value>) {
        do {
            for warning in try decode().warnings { precondition(!"\(warning)".isEmpty) }
        } catch {
            precondition(!error.issues.isEmpty && !"\(error)".isEmpty)
            Fuzz.canary(error.issues.contains { $0.keyPath.contains(".") })
        }
    }
    read { () throws(ConfigurationError) in try AgentSettings.decode(source, environment: ["A": "b"]) }
    read { () throws(ConfigurationError) in try CoordinatorSettings.decode(source, environment: ["A": "b"]) }
    read { () throws(ConfigurationError) in
        try ThresholdSettings.decode(source, step: .seconds(10), environment: ["A": "b"])
    }
    return 0
}
