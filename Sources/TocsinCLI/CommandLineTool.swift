import ArgumentParser

/// The `tocsin` program.
package enum CommandLineTool {
    /// Runs the command that the arguments (without the program's name) ask for and returns the process's exit code.
    ///
    /// 0 fine, 1 failed, 2 usage or invalid input, 3 not found, 4 unreachable, 5 denied.
    package static func run(_ arguments: [String]) async -> Int32 {
        do {
            var command = try TocsinCommand.parseAsRoot(GlobalOptions.hoisted(arguments))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return ExitStatus.fine.rawValue
        } catch let error as CommandError {
            Console.standard.complain(error.message)
            return error.status.rawValue
        } catch {
            return report(error)
        }
    }

    /// Help and versions go to standard output; the parser's complaints end the process with 2, not with its own 64.
    private static func report(_ error: any Error) -> Int32 {
        let text = TocsinCommand.fullMessage(for: error)
        switch TocsinCommand.exitCode(for: error) {
        case .success:
            Console.standard.write(text + "\n")
            return ExitStatus.fine.rawValue
        case .validationFailure:
            Console.standard.complain(text.hasPrefix("Error: ") ? String(text.dropFirst(7)) : text)
            return ExitStatus.usage.rawValue
        default:
            Console.standard.complain(text.hasPrefix("Error: ") ? String(text.dropFirst(7)) : text)
            return ExitStatus.failed.rawValue
        }
    }
}
