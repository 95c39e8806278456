import Glibc
import LogText
import Telemetry

/// Finds the logs that there are.
enum LogSource {
    /// The logs of containers, by path; nil when the folder cannot be read.
    ///
    /// The folder is kubelet's `/var/log/pods`, or `/var/log/containers` with its links.
    static func containers(_ directory: String, roots: [String]) -> [String: LogFile]? {
        let roots = roots + [directory]
        let pods = DirectoryList.names(directory)
        guard !pods.isEmpty || DirectoryList.exists(directory) else { return nil }
        var found: [String: LogFile] = [:]
        for name in pods {
            if let (pod, container) = PodLogFolder.link(name) {
                add("\(directory)/\(name)", of: pod, container, run: nil, roots, to: &found)
                continue
            }
            guard let pod = PodLogFolder(folder: name) else { continue }
            for container in DirectoryList.names("\(directory)/\(name)") {
                let folder = "\(directory)/\(name)/\(container)"
                for log in DirectoryList.names(folder) {
                    guard let run = run(log) else { continue }
                    add("\(folder)/\(log)", of: pod, container, run: (folder, run), roots, to: &found)
                }
            }
        }
        return found
    }

    private static func add(
        _ path: String, of pod: PodLogFolder, _ container: String, run: (folder: String, number: Int)?,
        _ roots: [String], to found: inout [String: LogFile]
    ) {
        // A link that is not followed stays as it is: opening it fails, and the reason is told.
        var end = path
        if case .file(let target) = LogLink.resolve(path, roots: roots) { end = target }
        let form: LogFile.Form = end.hasSuffix("-json.log") ? .docker : .lines(.container)
        var file = LogFile(path: end, form: form, owner: pod.owner)
        file.place = [LabelName.pod: pod.pod, LabelName.container: container]
        let place = run ?? place(ofRun: end)
        file.runFolder = place?.folder
        file.runNumber = place?.number ?? 0
        found[end] = file
    }

    private static func place(ofRun path: String) -> (folder: String, number: Int)? {
        guard let slash = path.lastIndex(of: "/"), let number = run(String(path[path.index(after: slash)...])) else {
            return nil
        }
        return (String(path[..<slash]), number)
    }

    /// The number of a container's run: that of `N.log`.
    private static func run(_ name: String) -> Int? {
        name.hasSuffix(".log") && name.count > 4 ? Int(name.dropLast(4)).flatMap { $0 >= 0 ? $0 : nil } : nil
    }

    /// The files that a pattern of paths names now.
    ///
    /// Where it has wildcards, rotated files are left out.
    static func files(_ source: LogProbe.Files) -> [LogFile] {
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(source.path, 0, nil, &result) == 0 else { return [] }
        let hasWildcards = source.path.utf8.contains { $0 == 42 || $0 == 63 || $0 == 91 }
        var files: [LogFile] = []
        for index in 0..<min(Int(result.gl_pathc), DirectoryList.namesMax) {
            guard let pointer = result.gl_pathv[index] else { continue }
            let path = String(cString: pointer)
            let name = path.split(separator: "/").last.map(String.init) ?? path
            guard !hasWildcards || !RotatedFiles.looksRotated(name) else { continue }
            let form: LogFile.Form = source.form == .journal ? .journal : .lines(.plain)
            // A link beside the file that it names for the time being is usual; one out of the folder is not followed.
            var end = path
            if case .file(let target) = LogLink.resolve(path, roots: []) { end = target }
            files.append(LogFile(path: end, form: form, owner: source.owner, name: source.name))
        }
        return files
    }

    /// Why a log cannot be followed; nil when it is not there.
    static func fault(_ path: String, roots: [String]) -> String? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFLNK:
            return LogLink.resolve(path, roots: roots) == .nowhere
                ? "the symbolic link leads nowhere here: is the folder that it names mounted?"
                : "the symbolic link leads out of the folders that are read"
        case S_IFREG, S_IFIFO:
            guard access(path, R_OK) != 0 else { return "it cannot be opened" }
            return String(cString: strerror(errno))
        default: return "it is neither a file nor a named pipe"
        }
    }
}
