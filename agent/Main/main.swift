import AgentApp

await AgentCommand.main()
