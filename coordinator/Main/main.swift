import ArgumentParser
import CoordinatorApp

await CoordinatorCommand.main()
