import CoordinatorApp

await CoordinatorCommand.main()
