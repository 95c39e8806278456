import Glibc
import TocsinCLI

// A reader that goes away (`tocsin … | head`) shows as a failed write, not as a signal.
signal(SIGPIPE, SIG_IGN)
exit(await CommandLineTool.run(Array(CommandLine.arguments.dropFirst())))
