import ArgumentParser
import CoordinatorApp

@main
struct Main {
    static func main() async {
        Allocator.bound()
        await CoordinatorCommand.main()
    }
}
