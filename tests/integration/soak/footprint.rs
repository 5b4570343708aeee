//! What the processes of an instance's proxy take.

use super::faults::Service;
use crate::support::app::Instance;
use std::fmt;

/// The processes of one proxy, and its connections to the service.
#[derive(Debug, Clone)]
pub(super) struct Footprint {
    worker: Process,
    supervisor: Process,
    connections: usize,
}

#[derive(Debug, Clone)]
struct Process {
    pid: u32,
    kilobytes: usize,
    threads: usize,
    files: usize,
}

/// Prints a line for each process: what it is, its number, memory in kilobytes, threads and open files.
const LOOK: &str = "for pid in $(pgrep -f '^session-proxy (work|supervise)'); do \
    echo $(tr '\\0' ' ' </proc/$pid/cmdline | cut -d ' ' -f 2) $pid \
    $(awk '/^VmRSS|^Threads/ { print $2 }' /proc/$pid/status) $(ls /proc/$pid/fd | wc -l); done";
/// The more for a memory allocator, which gives back what it likes.
const KILOBYTES: usize = 4096;
/// For connections that happened to be needed later. Each has a file; PHP's have a thread as well.
const OTHERS: usize = 8;

impl Footprint {
    /// Fails if there is another process of the proxy than the two that there should be.
    pub(super) fn of(instance: &Instance, service: &Service) -> Result<Self, String> {
        let text = instance.container.exec(&["sh", "-c", LOOK]);
        let process = |what: &str| {
            let mut lines = text.lines().filter_map(|line| line.strip_prefix(what));
            let numbers = lines.next().filter(|_| lines.next().is_none())?.split_whitespace();
            let numbers: Vec<usize> = numbers.filter_map(|number| number.parse().ok()).collect();
            let [pid, kilobytes, threads, files] = numbers[..] else { return None };
            Some(Process { pid: u32::try_from(pid).ok()?, kilobytes, threads, files })
        };
        let (Some(worker), Some(supervisor)) = (process("work "), process("supervise ")) else {
            return Err(format!("not a worker and a supervisor: {text}"));
        };
        Ok(Self { worker, supervisor, connections: service.connections(instance) })
    }

    /// Whether the processes are the same as before.
    pub(super) fn is_of_the_same_as(&self, before: &Self) -> bool {
        (self.worker.pid, self.supervisor.pid) == (before.worker.pid, before.supervisor.pid)
    }

    /// Whether it is no more than before, but for a tenth of the memory and 4 MB, and a fixed number of all else.
    pub(super) fn is_no_more_than(&self, before: &Self) -> bool {
        let no_more = |now: &Process, before: &Process| {
            now.kilobytes <= before.kilobytes * 11 / 10 + KILOBYTES
                && now.threads <= before.threads + OTHERS
                && now.files <= before.files + 2 * OTHERS
        };
        no_more(&self.worker, &before.worker)
            && no_more(&self.supervisor, &before.supervisor)
            && self.connections <= before.connections + OTHERS
    }
}

/// The supervisor's after a `+`.
impl fmt::Display for Footprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worker, supervisor, connections } = self;
        write!(
            formatter,
            "{}+{} kB, {}+{} fds, {}+{} threads, {connections} connections",
            worker.kilobytes,
            supervisor.kilobytes,
            worker.files,
            supervisor.files,
            worker.threads,
            supervisor.threads
        )
    }
}
