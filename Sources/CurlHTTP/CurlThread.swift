import CLibcurl
import Probing
import Telemetry

/// The body of the one thread: it alone touches the multi handle and the transfers.
final class CurlThread {
    private let queue: CurlQueue
    private let multi: UnsafeMutableRawPointer
    private var transfers: [UInt64: CurlTransfer] = [:]
    private var idOfHandle: [UnsafeMutableRawPointer: UInt64] = [:]

    init(queue: CurlQueue, multi: UnsafeMutableRawPointer) {
        self.queue = queue
        self.multi = multi
    }

    func main() {
        serve()
        for id in Array(transfers.keys) { end(id, as: "The HTTP client is shut down.") }
        let late = queue.detachMulti()
        for job in late {
            queue.finish(job, with: .failure(HTTPFailure(.internal, "The HTTP client is shut down.", connected: false)))
        }
        curl_multi_cleanup(multi)
        queue.threadEnded()
    }

    private func serve() {
        while true {
            let work = queue.takeWork()
            for job in work.jobs { add(job) }
            for id in work.cancellations { end(id, as: "The request was cancelled.", cancelled: true) }
            if work.phase == .aborting { return }
            for id in work.unpauses { transfers[id]?.unpause() }
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            collect()
            endIdle()
            if work.phase == .draining, transfers.isEmpty { return }
            // A wake-up that came since takeWork() is remembered by curl: this returns at once then.
            curl_multi_poll(multi, nil, 0, transfers.isEmpty ? 60_000 : 1000, nil)
        }
    }

    private func add(_ job: CurlJob) {
        do throws(HTTPFailureError) {
            let transfer = try CurlTransfer(job)
            guard curl_multi_add_handle(multi, transfer.handle) == CURLM_OK else {
                throw HTTPFailureError("libcurl refused the transfer.")
            }
            transfers[job.id] = transfer
            idOfHandle[transfer.handle] = job.id
        } catch {
            queue.finish(job, with: .failure(HTTPFailure(.internal, error.message, connected: false)))
        }
    }

    private func collect() {
        var remaining: Int32 = 0
        while let message = curl_multi_info_read(multi, &remaining) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle,
                let id = idOfHandle[handle], let transfer = transfers[id]
            else { continue }
            let result = transfer.result(of: message.pointee.data.result)
            remove(id, transfer)
            queue.finish(transfer.job, with: result)
        }
    }

    private func endIdle() {
        for (id, transfer) in transfers {
            guard let waited = transfer.idleTimeoutPassed(now: .now) else { continue }
            let failure = HTTPFailure(
                .timeout, "Nothing arrived for \(waited.wholeMilliseconds) ms (\(transfer.address.display)).",
                connected: transfer.isConnected)
            remove(id, transfer)
            queue.finish(transfer.job, with: .failure(failure))
        }
    }

    private func end(_ id: UInt64, as message: String, cancelled: Bool = false) {
        guard let transfer = transfers[id] else { return }
        let connected = transfer.isConnected
        remove(id, transfer)
        queue.finish(
            transfer.job, with: .failure(HTTPFailure(.internal, message, connected: connected)), cancelled: cancelled)
    }

    private func remove(_ id: UInt64, _ transfer: CurlTransfer) {
        curl_multi_remove_handle(multi, transfer.handle)
        idOfHandle[transfer.handle] = nil
        transfers[id] = nil
    }
}

/// A request that was never sent: our own fault.
struct HTTPFailureError: Error {
    var message: String

    init(_ message: String) {
        self.message = message
    }
}
