import Foundation

let console = DemoConsole()
let words = Array(CommandLine.arguments.dropFirst())
let footprint = words.first == "--footprint" ? Footprint.Options(Array(words.dropFirst())) : nil
guard words.isEmpty || footprint != nil else {
    console.raw("usage: \(Footprint.Options.usage)")
    exit(2)
}
let demo = Task {
    do {
        let passed =
            if let footprint {
                try await Footprint(options: footprint, console: console).run()
            } else {
                try await Demo.run(console)
            }
        return passed ? Int32(0) : 1
    } catch is CancellationError {
        return 130
    } catch {
        console.raw("\nThe demo stopped: \(error)")
        return 1
    }
}
// Ctrl-C cancels: every child process ends with this one, and the temporary folder is removed on the way out.
signal(SIGINT, SIG_IGN)
signal(SIGTERM, SIG_IGN)
let interrupts = [SIGINT, SIGTERM].map { number in
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler {
        console.raw("\nInterrupted: cleaning up")
        demo.cancel()
    }
    source.resume()
    return source
}
let status = await demo.value
for interrupt in interrupts { interrupt.cancel() }
exit(status)
