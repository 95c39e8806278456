import ArgumentParser
import CoordinatorApp

@main
struct Main {
    static func main() async {
        await CoordinatorCommand.main()
    }
}
