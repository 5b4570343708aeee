//! What the processes of an instance's proxy take.

use super::faults::Service;
use crate::support::app::Instance;
use std::fmt;

/// The processes of one proxy, and its connections to the service.
#[derive(Debug, Clone)]
pub(super) struct Footprint {
    /// One, and those that have another one's clients since a supervisor was killed.
    workers: Vec<Process>,
    supervisor: Process,
    connections: usize,
}

#[derive(Debug, Clone, Copy)]
struct Process {
    pid: usize,
    kilobytes: usize,
    threads: usize,
    files: usize,
}

/// Prints a line for each process: what it is, its number, memory in kilobytes, threads and open files.
const LOOK: &str = "for pid in $(pgrep -f 'session-proxy (work|supervise) '); do \
    echo $(tr '\\0' ' ' </proc/$pid/cmdline | cut -d ' ' -f 2) $pid \
    $(awk '/^VmRSS|^Threads/ { print $2 }' /proc/$pid/status) $(ls /proc/$pid/fd | wc -l); done";
/// The more for a memory allocator, which gives back what it likes.
const KILOBYTES: usize = 4096;
/// For connections that happened to be needed later. Each has a file; PHP's have a thread as well.
const OTHERS: usize = 8;

impl Footprint {
    /// Fails if it is not one proxy.
    pub(super) fn of(instance: &Instance, service: &Service) -> Result<Self, String> {
        let text = instance.container.exec(&["sh", "-c", LOOK]);
        let (workers, supervisors) = (processes(&text, "work "), processes(&text, "supervise "));
        match supervisors[..] {
            [supervisor] if !workers.is_empty() => {
                Ok(Self { workers, supervisor, connections: service.connections(instance) })
            }
            _ => Err(format!("not a worker and a supervisor: {text}")),
        }
    }

    /// Whether the processes are the same as before.
    pub(super) fn is_of_the_same_as(&self, before: &Self) -> bool {
        let pids = |it: &Self| it.all().map(|process| process.pid).collect::<Vec<_>>();
        pids(self) == pids(before)
    }

    /// Whether it is no more than before, but for a tenth of the memory and 4 MB, and a fixed number of all else.
    pub(super) fn is_no_more_than(&self, before: &Self) -> bool {
        self.kilobytes() <= before.kilobytes() * 11 / 10 + KILOBYTES
            && self.supervisor.kilobytes <= before.supervisor.kilobytes * 11 / 10 + KILOBYTES
            && self.sum(|it| it.threads) <= before.sum(|it| it.threads) + OTHERS
            && self.sum(|it| it.files) <= before.sum(|it| it.files) + 2 * OTHERS
            && self.connections <= before.connections + OTHERS
    }

    fn all(&self) -> impl Iterator<Item = &Process> {
        self.workers.iter().chain([&self.supervisor])
    }

    fn sum(&self, what: impl Fn(&Process) -> usize) -> usize {
        self.all().map(what).sum()
    }

    /// The largest worker's.
    fn kilobytes(&self) -> usize {
        self.workers.iter().map(|it| it.kilobytes).max().unwrap_or(0)
    }
}

fn processes(text: &str, what: &str) -> Vec<Process> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(what));
    let numbers = lines.map(|line| line.split(' ').flat_map(str::parse).collect::<Vec<usize>>());
    let processes = numbers.map(|numbers| match numbers[..] {
        [pid, kilobytes, threads, files] => Process { pid, kilobytes, threads, files },
        _ => panic!("{text}"),
    });
    processes.collect()
}

impl fmt::Display for Footprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} kB (supervisor {}), {} fds, {} threads, {} processes, {} connections",
            self.kilobytes(),
            self.supervisor.kilobytes,
            self.sum(|it| it.files),
            self.sum(|it| it.threads),
            self.all().count(),
            self.connections
        )
    }
}
