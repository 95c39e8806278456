import AgentApp
import ArgumentParser

await AgentCommand.main()
