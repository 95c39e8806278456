import Glibc
import LogText
import Telemetry

/// Finds the logs that there are.
enum LogSource {
    /// The logs of containers, by path; nil when the folder cannot be read.
    static func containers(_ directory: String) -> [String: LogFile]? {
        let pods = DirectoryList.names(directory)
        guard !pods.isEmpty || DirectoryList.exists(directory) else { return nil }
        var found: [String: LogFile] = [:]
        for name in pods {
            guard let pod = PodLogFolder(folder: name) else { continue }
            for container in DirectoryList.names("\(directory)/\(name)") {
                let folder = "\(directory)/\(name)/\(container)"
                for log in DirectoryList.names(folder) {
                    guard let run = run(log) else { continue }
                    var file = LogFile(path: "\(folder)/\(log)", form: .lines(.container), owner: pod.owner)
                    file.place = [LabelName.pod: pod.pod, LabelName.container: container]
                    file.runFolder = folder
                    file.runNumber = run
                    found[file.path] = file
                }
            }
        }
        return found
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
            files.append(LogFile(path: path, form: form, owner: source.owner))
        }
        return files
    }

    /// Why a log cannot be followed; nil when it is not there.
    static func fault(_ path: String) -> String? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFLNK: return "symbolic links are not followed"
        case S_IFREG, S_IFIFO:
            guard access(path, R_OK) != 0 else { return "it cannot be opened" }
            return String(cString: strerror(errno))
        default: return "it is neither a file nor a named pipe"
        }
    }
}
